"""What a query finds now but did not at a position: what was recorded since, and what has come to be so since."""

from msgspec import structs
from sqlite_utils import Database

from deedbook.projections.action_query import ActionQuery
from deedbook.projections.moment import Branch
from deedbook.projections.selection import matching, select, union

#: So many are counted, and no more.
MOST = 10_000


def arrived(db: Database, query: ActionQuery, after: int) -> int:
    """Return how many actions a query finds now, of those that it did not find at position `after`; at most `MOST`.

    The query's own moment does not count, nor what has only become related to its object since. The cost is that of
    what was recorded and of what changed since.
    """
    return min(MOST, _recorded(db, structs.replace(query, as_of=None), after) + _become(db, query, after))


def _recorded(db: Database, query: ActionQuery, after: int) -> int:
    selection = select(db, query)
    row = matching(query, selection, "actions AS a NOT INDEXED", f"a.id > {after}")
    branches = [_behind(branch, after) for branch in selection.branches] if row is None else [row]
    statement, parameters = union(branches)
    return int(db.execute(f"SELECT count(*) FROM ({statement} LIMIT {MOST})", parameters).fetchone()[0])


def _become(db: Database, query: ActionQuery, after: int) -> int:
    """Count what there was already, and is found only now: nothing but its state and its dates can have changed."""
    ranges = (query.start_from, query.start_to, query.end_from, query.end_to)
    if "state" not in query.equal and ranges == (None,) * 4:
        return 0
    moved = f"a.id IN (SELECT id FROM past WHERE until > {after} AND id <= {after})"
    now, then = (_ids(db, structs.replace(query, as_of=moment), moved) for moment in (None, after))
    # Cut behind the difference: of two beginnings it would count what was there.
    new = f"SELECT id FROM ({now[0]}) EXCEPT SELECT id FROM ({then[0]}) LIMIT {MOST}"
    return int(db.execute(f"SELECT count(*) FROM ({new})", [*now[1], *then[1]]).fetchone()[0])


def _ids(db: Database, query: ActionQuery, condition: str) -> tuple[str, list[object]]:
    """Return the SELECT, with its parameters, of what a query finds among the actions for which a condition holds."""
    selection = select(db, query)
    row = matching(query, selection, "actions AS a NOT INDEXED", condition)
    return union([row] if row is not None else [_among(branch, condition) for branch in selection.branches])


def _behind(branch: Branch, after: int) -> Branch:
    return branch._replace(condition=f"{branch.condition} AND {branch.key}.id > {after}")


def _among(branch: Branch, condition: str) -> Branch:
    return branch._replace(condition=f"{branch.condition} AND {condition.replace('a.id', f'{branch.key}.id', 1)}")
