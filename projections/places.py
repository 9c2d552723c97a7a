"""Places in the order of a list by their number, and the other way round: by the ranks of its marks (`ranks.py`).

Only of branches that are `ranked`, as things are now. Both read a few hundred rows, however many there are.
"""

from typing import NamedTuple

from sqlite_utils import Database

from deedbook.projections import ranks
from deedbook.projections.moment import Branch

#: The levels of marks, the one with the fewest first.
_DOWN = range(len(ranks.GAPS) - 1, -1, -1)

_AT_LEVEL = "FROM ranks WHERE term = ? AND level = ?"

#: Before every place.
_BEGINNING = (-(2**63), 0)


class Mark(NamedTuple):
    """A place in an order, and how many actions stand before it."""

    sort: int
    id: int
    before: int


def has_ranks(db: Database) -> bool:
    """Tell whether there are ranks: views of an older release have none."""
    return db.execute("SELECT 1 FROM sqlite_master WHERE name = 'ranks'").fetchone() is not None


def standing_before(db: Database, branch: Branch, date: int) -> int:
    """Return how many actions of a branch stand before a date, in microseconds since the epoch.

    By whichever date its `columns` say that it is in the order of.
    """
    # Dates and keys as parameters, so that SQLite need not read the statement anew for each.
    column, key = branch.sort, branch.ranked
    parameters: list[object] = []
    nearest = []
    for level in _DOWN:
        nearest.append(
            f"near{level} AS MATERIALIZED (SELECT sort, id FROM (SELECT sort, id {_AT_LEVEL} AND sort < ?"
            f" ORDER BY sort DESC, id DESC LIMIT 1) UNION ALL SELECT {_BEGINNING[0]}, {_BEGINNING[1]} LIMIT 1)"
        )
        parameters += key, level, date
    parts = []
    for level in _DOWN:
        since = "" if level == _DOWN[0] else f" AND (sort, id) > (SELECT sort, id FROM near{level + 1})"
        parts.append(f"(SELECT coalesce(sum(before), 0) {_AT_LEVEL}{since} AND sort < ?)")
        parameters += key, level, date
    parts.append(
        f"(SELECT count(*) FROM {branch.tables} WHERE {branch.condition}"
        f" AND {column} >= (SELECT sort FROM near0) AND {column} < ?"
        f" AND ({column}, {branch.key}.id) >= (SELECT sort, id FROM near0))"
    )
    parameters += *branch.parameters, date
    statement = f"WITH {', '.join(nearest)} SELECT {' + '.join(parts)}"
    return int(db.execute(statement, parameters).fetchone()[0])


def around(db: Database, branch: Branch, number: int) -> tuple[Mark | None, Mark | None]:
    """Return the marks nearest to the action that has so many before it: not behind it, and behind it."""
    reached, behind = None, None
    for level in _DOWN:
        behind = None
        rows = db.execute(
            f"SELECT sort, id, before {_AT_LEVEL} AND (sort, id) > (?, ?) ORDER BY sort, id",
            (branch.ranked, level, *(reached[:2] if reached else _BEGINNING)),
        )
        for sort, action, more in rows:
            mark = Mark(sort, action, more + (reached.before if reached else 0))
            if mark.before > number:
                behind = mark
                break
            reached = mark
        rows.close()
    return reached, behind
