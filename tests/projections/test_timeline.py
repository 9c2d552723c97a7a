"""Actions over time: every action that a query finds is in one bucket, under its state."""

from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from deedbook.domain.lifecycle import State
from deedbook.domain.results import Command
from deedbook.domain.testing import command_sequences
from deedbook.projections import tally
from deedbook.projections.action_query import ActionQuery
from deedbook.projections.timeline import Timeline
from deedbook.projections.widths import DAY, SECOND, WIDTHS, fitting
from tests.projections.test_action_query import BOUND, QUERIES, Naive, asked, matches
from tests.support.shared import shared

LAST = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp()) * SECOND
MOMENTS = st.integers(0, LAST) | st.integers(1_400_000_000 * SECOND, 1_800_000_000 * SECOND)


@pytest.fixture(params=["as it costs least", "along indexes", "by ranks", "row by row"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted in the way that is chosen, or always in one of them."""
    if request.param != "as it costs least":
        monkeypatch.setattr(tally, "GROUP", -1 if request.param == "row by row" else 10**9)
    if request.param == "by ranks":
        monkeypatch.setattr(tally, "RANKED", 0)


def counted(everything: Naive, query: ActionQuery, timeline: Timeline) -> list[Counter[str]]:
    """Count naively what is in each bucket."""
    counts: list[Counter[str]] = [Counter() for _ in timeline.buckets]
    for _, action in everything.actions:
        if matches(query, action, everything.edges):
            date = action.recorded.created if action.start is None else action.start
            for place, bucket in enumerate(timeline.buckets):
                counts[place][str(action.state)] += bucket.start <= date <= bucket.end
    return counts


@pytest.mark.usefixtures("way", "many")
@shared(30)
@given(history=command_sequences(), data=st.data())
def test_each_action_that_is_found_is_in_one_bucket(history: list[Command], data: st.DataObject) -> None:
    """For any history, query, number of buckets and range, given or not: each bucket holds what a naive count has."""
    with asked(history) as (snapshot, everything):
        for query in data.draw(st.lists(QUERIES, min_size=5, max_size=15)):
            low, high, most = data.draw(st.tuples(BOUND, BOUND, st.integers(1, 200)))
            timeline = snapshot.timeline(query, low, high, most, exactly=True)
            assert len(timeline.buckets) <= most
            found = [{state: n for state, n in bucket.states.items() if n} for bucket in timeline.buckets]
            assert found == [
                {state: n for state, n in one.items() if n} for one in counted(everything, query, timeline)
            ]
            page = snapshot.actions(query)
            if low is high is None and page.is_exact:
                assert sum(bucket.total for bucket in timeline.buckets) == page.total


@example(low=0, span=32_503_680_000 * SECOND, most=2)
@given(low=MOMENTS, span=st.integers(0, 400 * DAY) | st.integers(0, LAST), most=st.integers(1, 200))
def test_a_width_is_the_smallest_that_fits(low: int, span: int, most: int) -> None:
    """Buckets follow each other without a gap, hold the whole range, and are at most as many as they may be."""
    high = min(low + span, LAST)
    width, starts = fitting(low, high, most)
    assert len(starts) <= most
    assert starts[0] <= low <= high < width.behind(starts[-1])
    assert all(width.behind(before) == start for before, start in pairwise(starts))
    for smaller in WIDTHS[: WIDTHS.index(width)]:
        longest = smaller.span or smaller.months * 31 * DAY
        assert longest * most <= high - low or len(list(smaller.starts(low, high))) > most


def test_states_are_those_of_the_lifecycle() -> None:
    """In its order, and also those that nothing is in."""
    with asked([]) as (snapshot, _):
        assert snapshot.timeline(ActionQuery(), None, None, 10) == Timeline(None, None, None, [])
        only = snapshot.timeline(ActionQuery(), 0, DAY - 1, 10)
        assert [list(bucket.states) for bucket in only.buckets] == [list(map(str, State))] * len(only.buckets)
