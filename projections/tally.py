"""The ways to count a query's actions over time, each with what it costs.

Measured at a million actions: a step along an index takes 35 ns, a check of what else stands in it two or three times
that, a row that is grouped 700 ns. The index of the states holds every filter and the order of time, so it answers for
any of them. Where one filter alone asks, its own index, or its ranks, tell how many stand in each bucket, and those of
the rare states which of them are in these: the rest is in the commonest one.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from msgspec import structs
from sqlite_utils import Database

from deedbook.domain.lifecycle import State
from deedbook.projections.action_query import ActionQuery
from deedbook.projections.drivers import IMPLIED
from deedbook.projections.moment import NOW, Branch
from deedbook.projections.places import has_ranks, standing_before
from deedbook.projections.selection import Selection, matching, select, union
from deedbook.projections.terms import numbers
from deedbook.projections.totals import has_unstarted
from deedbook.projections.widths import END, Width

#: What a step along the wide index of the states costs, a check of what stands there, and a row that is grouped: in
#: thirds of a step along any other.
STEP, CHECK, GROUP = 4, 6, 60

#: From so many actions on, the ranks of its ends (`ranks.py`) tell what is in each bucket: they cost as many steps.
RANKED = 100_000

#: Actions that tell which part of them stands between two dates.
_FEW = 16

#: How many are in each state, for each bucket by its place.
Counts = list[Counter[str]]


class Scale(NamedTuple):
    """Buckets of one width: `starts` of each, of which the first and the last are cut at `low` and `high`."""

    width: Width
    starts: Sequence[int]
    low: int
    high: int

    @property
    def edges(self) -> list[tuple[int, int]]:
        """The first and the last microsecond of each."""
        behind = [*self.starts[1:], self.high + 1]
        return [(max(start, self.low), end - 1) for start, end in zip(self.starts, behind, strict=True)]


class Way(NamedTuple):
    """A way to count: what it costs, in thirds of a step along an index."""

    cost: int
    counts: Callable[[], Counts]


def row_by_row(db: Database, query: ActionQuery, selection: Selection, scale: Scale, part: float) -> Way:
    """Return the way that is always there: to look at each action that a query selects.

    part: which of all actions stand within the scale, about.
    """
    best = selection.best
    number = min(best.total, last(db, query) * part) if best.is_dated else best.total * part
    return Way(int(number * GROUP), lambda: by_row(db, selection.branches, scale))


def share(db: Database, query: ActionQuery, low: int, high: int) -> float:
    """Return which part of all actions up to a query's moment stands between two dates, about.

    That is told by a few, spread evenly over the log.
    """
    end = last(db, query)
    positions = ", ".join(f"({end * number // _FEW})" for number in range(_FEW))
    (found,) = db.execute(
        "SELECT count(*) FROM (SELECT (SELECT sort FROM actions WHERE id > column1 ORDER BY id LIMIT 1) AS sort"
        f" FROM (VALUES {positions})) WHERE sort BETWEEN ? AND ?",
        (low, high),
    ).fetchone()
    return float(found / _FEW)


def last(db: Database, query: ActionQuery) -> int:
    """Return the position of the last action that was there at a query's moment, about."""
    (newest,) = db.execute("SELECT coalesce(max(id), 0) FROM actions").fetchone()
    return int(newest if query.as_of is None else min(newest, query.as_of))


def span(scale: Scale, query: ActionQuery) -> tuple[int, int]:
    """Return the first and the last microsecond that a query asks for within a scale."""
    within = _within(scale, query)
    return min(start for start, _ in within), max(end for _, end in within)


def by_row(db: Database, branches: Sequence[Branch], scale: Scale) -> Counts:
    """Count by looking at each action."""
    statement, parameters = union(branches, "state")
    base, unit = scale.starts[0], scale.width.unit
    rows = db.execute(
        f"SELECT slot, value, sum(actions) FROM (SELECT (sort - {base}) / {unit} AS slot, state, count(*) AS actions"
        f" FROM ({statement}) WHERE sort BETWEEN {scale.low} AND {scale.high} GROUP BY 1, 2)"
        " JOIN terms ON terms.id = state GROUP BY slot, value",
        parameters,
    )
    counts: Counts = [Counter() for _ in scale.starts]
    for slot, state, number in rows:
        counts[bisect_right(scale.starts, base + slot * unit) - 1][state] += number
    return counts


def indexed(db: Database, query: ActionQuery, scale: Scale, part: float) -> "Indexed | None":
    """Return what counts a query along indexes; None where these don't tell all that it asks.

    part: which of all actions stand within the scale, about.
    """
    if query.as_of is not None or (query.end_from, query.end_to) != (None, None) or not has_unstarted(db):
        return None
    equal = {field: values for field, values in query.equal.items() if field != "state"}
    stateless = select(db, structs.replace(query, equal=equal, start_from=None, start_to=None))
    return Indexed(db, query, stateless, scale, part) if all(driver.check for driver in stateless.telling) else None


class Indexed:
    """Counts along indexes; `selection` is that of the query, but for its states and its range of dates."""

    def __init__(self, db: Database, query: ActionQuery, selection: Selection, scale: Scale, part: float) -> None:
        self._db = db
        self._query = query
        self._selection = selection
        self._scale = scale
        self._part = part
        self._within = _within(scale, query)
        self._terms: Mapping[State, Sequence[tuple[int, int]]] = {
            state: numbers(db, query.namespace, "state", (state,)) for state in State
        }
        self._totals = {state: sum(total for _, total in self._terms[state]) for state in State}
        self._wanted = [state for state in State if state in query.equal.get("state", tuple(State))]
        best = selection.best
        # What holds everything need not be checked.
        is_everything = best.exactly is not None and best.total == sum(self._totals.values())
        told = [best] if is_everything else []
        self._checks = [one for one in selection.telling if one.check != IMPLIED and one not in told]

    def ways(self) -> Iterator[Way]:
        """Return both ways: by the index of the states alone, and by that of a filter which is the only one."""
        best, commonest = self._selection.best, max(State, key=lambda state: self._totals[state])
        yield Way(self._cost(self._wanted), lambda: self._started(self._in_states(self._wanted)))
        if commonest in self._wanted and all(driver is best for driver in self._selection.telling):
            others = [state for state in State if state != commonest]
            yield Way(
                self._cost(others) + int(3 * min(best.total, RANKED) * self._part),
                lambda: self._started(self._by_rest(commonest, others)),
            )

    def rare(self, cost: int) -> tuple[Sequence[State], Counts]:
        """Count the actions in the rarest states, as many of these as can be counted at some cost; return which."""
        states: list[State] = []
        for state in sorted(self._wanted, key=lambda state: self._totals[state]):
            if self._cost([*states, state]) > cost:
                break
            states.append(state)
        return states, self._started(self._in_states(states))

    def _cost(self, states: Sequence[State]) -> int:
        totals = [self._totals[state] for state in states]
        if self._checks:
            return int(sum(totals) * self._part) * (STEP + CHECK * len(self._checks))
        return int(sum(min(total, RANKED) for total in totals) * self._part) * STEP

    def _by_rest(self, commonest: State, others: Sequence[State]) -> Counts:
        """Count along the filter's index; what is in no other state is in the commonest."""
        counts = self._in_states(others)
        best = self._selection.best
        for branch in best.branches:
            for counted, here in zip(counts, self._within_each(branch, best.total), strict=True):
                counted[commonest] += here
        for counted in counts:
            counted[commonest] -= sum(counted[state] for state in others)
        return counts

    def _in_states(self, states: Sequence[State]) -> Counts:
        """Count along the index of the states, which holds every filter, so that each is checked there."""
        condition = " AND ".join(["a.state = ?", *(one.check.format(**NOW._asdict()) for one in self._checks)])
        parameters = tuple(parameter for one in self._checks for parameter in one.parameters)
        counts: Counts = [Counter() for _ in self._within]
        wanted = [(state, term, total) for state in states for term, total in self._terms[state]]
        for state, term, total in wanted:
            ranked = None if self._checks else term
            branch = Branch("actions AS a INDEXED BY actions_by_state", condition, (term, *parameters), ranked=ranked)
            for counted, here in zip(counts, self._within_each(branch, total), strict=True):
                counted[state] += here
        return counts

    def _within_each(self, branch: Branch, total: int) -> list[int]:
        """Count what of a branch, which has about so many, stands in each bucket."""
        if not total:
            return [0] * len(self._within)
        if total > RANKED and branch.ranked is not None and has_ranks(self._db):
            dates = {date for start, end in self._within for date in (start, end + 1)}
            before = {date: standing_before(self._db, branch, date) for date in dates}
            return [max(0, before[end + 1] - before[start]) for start, end in self._within]
        values = ", ".join(f"({start}, {end})" for start, end in self._within)
        rows = self._db.execute(
            f"SELECT (SELECT count(*) FROM {branch.tables} WHERE {branch.condition}"
            f" AND {branch.sort} BETWEEN column1 AND column2) FROM (VALUES {values})",
            branch.parameters,
        )
        return [here for (here,) in rows]

    def _started(self, counts: Counts) -> Counts:
        """Take off what stands in a range of start dates but has no start: it is in the order by another date."""
        query, (low, high) = self._query, span(self._scale, self._query)
        if query.start_from is query.start_to is None:
            return counts
        asked = structs.replace(query, start_from=None, start_to=None)
        branch = matching(
            asked, select(self._db, asked), "actions AS a INDEXED BY actions_unstarted",
            f"a.start IS NULL AND a.sort BETWEEN {low} AND {high}",
        )  # fmt: skip
        assert branch is not None  # noqa: S101  # what has no check is not counted along indexes
        for here, less in zip(counts, by_row(self._db, [branch], self._scale), strict=True):
            here.subtract(less)
        return counts


def _within(scale: Scale, query: ActionQuery) -> list[tuple[int, int]]:
    """Return the buckets as far as a query's range of start dates goes; one that holds none of it is empty."""
    low, high = query.start_from or 0, END if query.start_to is None else query.start_to
    return [(max(start, low), min(end, high)) for start, end in scale.edges]
