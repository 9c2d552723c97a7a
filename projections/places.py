"""Places in the order of a list by their number, and the other way round: by the ranks of its marks (`ranks.py`).

Only of branches that are `ranked`, as things are now. Both read a few hundred rows, however many there are.
"""

from functools import lru_cache
from typing import NamedTuple

from sqlite_utils import Database

from deedbook.projections import ranks
from deedbook.projections.moment import Branch
from deedbook.projections.parts import has

#: The levels of marks, the one with the fewest first.
_DOWN = range(len(ranks.GAPS) - 1, -1, -1)

_RANKED = "FROM ranks WHERE term = ?1"

#: Before every place.
_BEGINNING = (-(2**63), 0)


class Mark(NamedTuple):
    """A place in an order, and how many actions stand before it."""

    sort: int
    id: int
    before: int


def has_ranks(db: Database) -> bool:
    """Tell whether there are ranks: views of an older release have none."""
    return has(db, "ranks")


def standing_before(db: Database, branch: Branch, date: int) -> int:
    """Return how many actions of a branch stand before a date, in microseconds since the epoch.

    By whichever date its `columns` say that it is in the order of.
    """
    statement = _before(branch.tables, branch.condition, branch.sort, branch.key)
    # Dates and keys as parameters, so that SQLite need not read the statement anew for each.
    parameters = (branch.ranked, date, *branch.parameters, *branch.parameters)
    return int(db.conn.execute(statement, parameters).fetchone()[0])


@lru_cache(maxsize=1000)
def _before(tables: str, condition: str, column: str, key: str) -> str:
    """Return the statement that counts what stands before date ?2 by the ranks of order ?1."""
    nearest = [
        f"near{level} AS MATERIALIZED (SELECT sort, id FROM (SELECT sort, id {_RANKED} AND level = {level}"
        " AND sort < ?2 ORDER BY sort DESC, id DESC LIMIT 1)"
        f" UNION ALL SELECT {_BEGINNING[0]}, {_BEGINNING[1]} LIMIT 1)"
        for level in _DOWN
    ]
    parts = []
    for level in _DOWN:
        since = "" if level == _DOWN[0] else f" AND (sort, id) > (SELECT sort, id FROM near{level + 1})"
        parts.append(f"(SELECT coalesce(sum(before), 0) {_RANKED} AND level = {level}{since} AND sort < ?2)")
    # From the mark's date on, less what has the same date and stands before the mark: to compare date and id of each
    # with the mark's would take twice as long.
    counted = f"SELECT count(*) FROM {tables} WHERE {condition} AND {column}"
    mark = "(SELECT {} FROM near0)".format
    found = f"({counted} >= {mark('sort')} AND {column} < ?2)"
    early = f"({counted} = {mark('sort')} AND {key}.id < {mark('id')})"
    return f"WITH {', '.join(nearest)} SELECT {' + '.join(parts)} + {found} - {early}"


def around(db: Database, branch: Branch, number: int) -> tuple[Mark | None, Mark | None]:
    """Return the marks nearest to the action that has so many before it: not behind it, and behind it."""
    reached, behind = None, None
    for level in _DOWN:
        behind = None
        rows = db.execute(
            f"SELECT sort, id, before {_RANKED} AND level = ?2 AND (sort, id) > (?3, ?4) ORDER BY sort, id",
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
