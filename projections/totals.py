"""How many actions a query finds: read where a single filter asks, counted where several do and one of them has few.

Where each of several filters has many, counting would cost far more than the page: then the total is what the page
shows, as a lower bound, and says so. Free text can be in almost anything, and counting it reads each action: so its
total is exact where that is told by what is known of its terms, or by looking at a bounded number of actions; else it
is a lower bound too.
"""

from collections.abc import Sequence
from typing import NamedTuple

from msgspec import structs
from sqlite_utils import Database

from deedbook.projections import ends
from deedbook.projections.action_query import ActionQuery
from deedbook.projections.drivers import Driver, namespaces_of
from deedbook.projections.ends import Range
from deedbook.projections.moment import Branch
from deedbook.projections.parts import has
from deedbook.projections.places import has_ranks, standing_before
from deedbook.projections.selection import Selection, matching, union

#: Actions that may be looked at for a total of free text: through an index, or in a walk through the newest of the
#: table, of which each costs a quarter. Both take some 3 ms.
THROUGH_INDEX, IN_A_ROW = 5000, 12_500


class Total(NamedTuple):
    """A number of actions; or, not `is_exact`, of which there are at least so many."""

    number: int
    is_exact: bool = True


def total(db: Database, query: ActionQuery, selection: Selection) -> Total:
    """Return how many actions a query finds."""
    telling = selection.telling
    if _is_unbounded(query) and len(telling) <= 1:
        only = telling[0] if telling else selection.best
        if only.exactly is not None:
            return Total(only.exactly())
    if _is_unbounded(query) and selection.together is not None:
        return Total(selection.together)
    if query.words and selection.best.total > THROUGH_INDEX:
        return _at_least(db, query, selection)
    for counting in (_started(db, query, selection), _ended(db, query, selection.best)):
        if counting is not None:
            return Total(counting)
    if selection.best.total > query.look and not query.words:
        return Total(0, is_exact=False)
    return Total(_count(db, selection.branches))


def _is_unbounded(query: ActionQuery) -> bool:
    return (query.start_from, query.start_to, query.end_from, query.end_to) == (None,) * 4


def _at_least(db: Database, query: ActionQuery, selection: Selection) -> Total:
    (last,) = db.execute("SELECT coalesce(max(id), 0) FROM actions").fetchone()
    newest = matching(query, selection, "actions AS a NOT INDEXED", f"a.id > {last - IN_A_ROW}")
    return Total(0, is_exact=False) if newest is None else Total(_count(db, [newest]), last <= IN_A_ROW)


def _started(db: Database, query: ActionQuery, selection: Selection) -> int | None:
    """Count what started in a range, where no more is asked than one filter: through its index alone.

    The order of the list goes by the start where there is one. So what the range of the index holds has started then,
    but for what has no start, of which there is an index by itself. Returns None where more is asked.
    """
    best, low, high = selection.best, query.start_from, query.start_to
    if query.as_of is not None or (low, high) == (None, None) or (query.end_from, query.end_to) != (None, None):
        return None
    if any(driver is not best for driver in selection.telling) or not has_unstarted(db):
        return None
    always = structs.replace(query, start_from=None, start_to=None)
    unstarted = matching(always, selection, "actions AS a INDEXED BY actions_unstarted", "a.start IS NULL")
    if unstarted is None:
        return None
    return _standing(db, best, low, high) - _count(db, [_within(unstarted, low, high)])


def _standing(db: Database, driver: Driver, low: int | None, high: int | None) -> int:
    """Count what of a driver stands between two dates: by its ranks, where it has them."""
    if driver.exactly is None or not _is_ranked(db, driver):
        return _count(db, [_within(branch, low, high) for branch in driver.branches])
    through = driver.exactly() if high is None else _before(db, driver, high + 1)
    return max(0, through - (0 if low is None else _before(db, driver, low)))


def _is_ranked(db: Database, driver: Driver) -> bool:
    return all(branch.ranked is not None for branch in driver.branches) and has_ranks(db)


def _before(db: Database, driver: Driver, date: int) -> int:
    return sum(standing_before(db, branch, date) for branch in driver.branches)


def _ended(db: Database, query: ActionQuery, best: Driver) -> int | None:
    """Count what ended in a range, where no more is asked. Returns None where more is."""
    if query.as_of is not None or (query.end_from, query.end_to) == (None, None):
        return None
    alone = ActionQuery(namespace=query.namespace, end_from=query.end_from, end_to=query.end_to)
    if _asked(query) != _asked(alone):
        return None
    if best.is_dated:
        return best.total
    return ends.number(db, namespaces_of(db, query), Range(query.end_from, query.end_to))


def _asked(query: ActionQuery) -> ActionQuery:
    """Return a query without what does not change its total."""
    return structs.replace(query, newest_first=False, limit=0, offset=0, beyond=None, backwards=False, look=0)


def has_unstarted(db: Database) -> bool:
    """Tell whether there is the index of what has no start: views of an older release have none."""
    return has(db, "actions_unstarted")


def _within(branch: Branch, low: int | None, high: int | None) -> Branch:
    """Return what of a branch stands between two dates in the order of the list, both included."""
    for sign, date in ((">=", low), ("<=", high)):
        if date is not None:
            branch = branch._replace(
                condition=f"{branch.condition} AND {branch.sort} {sign} ?", parameters=(*branch.parameters, date)
            )
    return branch


def _count(db: Database, branches: Sequence[Branch]) -> int:
    statement, parameters = union(branches)
    return int(db.execute(f"SELECT count(*) FROM ({statement})", parameters).fetchone()[0])
