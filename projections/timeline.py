"""The actions that a query finds, counted over time: in buckets of a round width, by their state.

None are kept: they are counted in whichever way costs the least (`tally.py`). Where that would still take long, they
are estimated from a sample, unless whoever asks wants to wait.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlite_utils import Database

from deedbook.domain.lifecycle import State
from deedbook.projections import sample, tally
from deedbook.projections.action_query import ActionQuery
from deedbook.projections.moment import Branch
from deedbook.projections.selection import Selection, select, union
from deedbook.projections.tally import Counts, Scale
from deedbook.projections.widths import END, fitting

#: What a count may cost before it is estimated, in thirds of a step along an index (`tally.py`): some 35 ms.
BUDGET = 3_000_000

#: Which part of that the rare states may cost beside an estimate.
RARE = 8


class Bucket(NamedTuple):
    """A part of the time: its first and last microsecond since the epoch, and how many were in each state."""

    start: int
    end: int
    states: Mapping[str, int]

    @property
    def total(self) -> int:
        """How many actions it holds."""
        return sum(self.states.values())


class Timeline(NamedTuple):
    """Actions over time, by bucket; `width` is as ISO 8601 has it, None where there are no buckets.

    sampled: which part of the actions was looked at; below 1, counts are estimates.
    """

    start: int | None
    end: int | None
    width: str | None
    buckets: Sequence[Bucket]
    sampled: float = 1.0


def timeline(
    db: Database, query: ActionQuery, low: int | None, high: int | None, most: int, *, exactly: bool = False
) -> Timeline:
    """Count what a query finds over time, in `most` buckets at the most, now or as of its moment.

    By the date that the list is in the order of; from `low` to `high`, both included, or where they are None from the
    first or to the last action that is found: then the first and the last bucket have their whole width. What takes
    long to count is estimated, but `exactly`; even then those in rare states are counted, where indexes tell them.
    """
    selection = select(db, query)
    first = _end(db, selection.branches, "ASC") if low is None else low
    last = _end(db, selection.branches, "DESC") if high is None else high
    if first is None or last is None or first > last:
        return Timeline(low, high, None, [])
    width, starts = fitting(first, last, most)
    start = max(0, starts[0]) if low is None else low
    end = min(END, width.behind(starts[-1])) - 1 if high is None else high
    scale = Scale(width, starts, start, end)
    counted, sampled = _counted(db, query, selection, scale, exactly=exactly)
    wanted = query.equal.get("state", tuple(State))
    buckets = [
        Bucket(*edges, {str(state): counts[state] if state in wanted else 0 for state in State})
        for edges, counts in zip(scale.edges, counted, strict=True)
    ]
    return Timeline(start, end, width.name, buckets, sampled)


def _counted(
    db: Database, query: ActionQuery, selection: Selection, scale: Scale, *, exactly: bool
) -> tuple[Counts, float]:
    if not selection.best.total:
        return [Counter() for _ in scale.starts], 1.0
    part = tally.share(db, query, *tally.span(scale, query))
    indexed = tally.indexed(db, query, scale, part)
    ways = [tally.row_by_row(db, query, selection, scale, part), *(indexed.ways() if indexed else ())]
    way = min(ways, key=lambda one: one.cost)
    if exactly or way.cost <= BUDGET:
        return way.counts(), 1.0
    estimate = sample.estimate(db, query, selection, scale, part)
    if estimate is None:
        return way.counts(), 1.0
    if indexed is not None:
        # A failure among thousands is not left to chance.
        states, exact = indexed.rare(BUDGET // RARE)
        for counts, these in zip(estimate.counts, exact, strict=True):
            counts.update({state: these[state] - counts[state] for state in states})
    return estimate


def _end(db: Database, branches: Sequence[Branch], way: str) -> int | None:
    """Return the date of the first action in the branches, on a way through the order; None where there is none."""
    statement, parameters = union(branches)
    row = db.execute(f"{statement} ORDER BY sort {way} LIMIT 1", parameters).fetchone()
    return None if row is None else int(row[0])
