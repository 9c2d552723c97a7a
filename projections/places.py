"""Places in the order of a list by their number, and the other way round: by the ranks of its marks (`ranks.py`).

Only of branches that are `ranked`, as things are now. Both read a few hundred rows, however many there are.
"""

from typing import NamedTuple

from sqlite_utils import Database

from deedbook.projections import ranks
from deedbook.projections.moment import Branch

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
    """Return how many actions of a branch stand before a date, in microseconds since the epoch."""
    nearest, parts = [], []
    for level in reversed(range(len(ranks.GAPS))):
        scope = f"FROM ranks WHERE term = {branch.ranked} AND level = {level}"
        since = f" AND (sort, id) > (SELECT sort, id FROM near{level + 1})" if level + 1 < len(ranks.GAPS) else ""
        nearest.append(
            f"near{level} AS MATERIALIZED (SELECT sort, id FROM (SELECT sort, id {scope} AND sort < {date}"
            f" ORDER BY sort DESC, id DESC LIMIT 1) UNION ALL SELECT {_BEGINNING[0]}, {_BEGINNING[1]} LIMIT 1)"
        )
        parts.append(f"(SELECT coalesce(sum(before), 0) {scope}{since} AND sort < {date})")
    alias = branch.key
    parts.append(
        f"(SELECT count(*) FROM {branch.tables} WHERE {branch.condition}"
        f" AND {alias}.sort >= (SELECT sort FROM near0) AND {alias}.sort < {date}"
        f" AND ({alias}.sort, {alias}.id) >= (SELECT sort, id FROM near0))"
    )
    statement = f"WITH {', '.join(nearest)} SELECT {' + '.join(parts)}"
    return int(db.execute(statement, branch.parameters).fetchone()[0])


def around(db: Database, branch: Branch, number: int) -> tuple[Mark | None, Mark | None]:
    """Return the marks nearest to the action that has so many before it: not behind it, and behind it."""
    reached, behind = None, None
    for level in reversed(range(len(ranks.GAPS))):
        behind = None
        rows = db.execute(
            "SELECT sort, id, before FROM ranks WHERE term = ? AND level = ? AND (sort, id) > (?, ?) ORDER BY sort, id",
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
