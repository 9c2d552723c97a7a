"""The estimate of a timeline: fair to what there is, the same each time, and exact where states are rare."""

import math
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from deedbook.domain.lifecycle import State
from deedbook.projections import sample, timeline
from deedbook.projections.action_query import ActionQuery
from deedbook.projections.reader import Snapshot
from tests.benchmarks.filling import NAMESPACE
from tests.benchmarks.stores import viewed

ACTIONS = 20_000

#: What has an index for it alone, what has not, what moves, and what only a look at each action tells.
QUERIES = {
    "all": ActionQuery(namespace=NAMESPACE),
    "filter": ActionQuery(equal={"method": ("POST", "GET")}),
    "filters": ActionQuery(equal={"method": ("POST", "GET"), "action": ("Node Create", "Service Scale")}),
    "word": ActionQuery(words=("a",)),
    "words": ActionQuery(namespace=NAMESPACE, words=("service", "user1")),
    "as of": ActionQuery(as_of=20_000),
    "ended": ActionQuery(end_from=0),
}


@pytest.fixture(scope="module")
def views(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snapshot]:
    """The views of some actions, one a second."""
    with viewed(tmp_path_factory.mktemp("sample"), ACTIONS) as reader, reader.snapshot() as snapshot:
        yield snapshot


@pytest.fixture
def _scarce(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if counting took long: what may be looked at is a fifth."""
    monkeypatch.setattr(timeline, "BUDGET", 5 * ACTIONS // 2)
    monkeypatch.setattr(timeline, "RARE", 4)
    monkeypatch.setattr(sample, "LENGTH", 16)
    monkeypatch.setattr(sample, "BLOCKS", ACTIONS * 3 // 2 // 16 // 5)


@pytest.mark.usefixtures("_scarce")
@pytest.mark.parametrize("name", QUERIES)
def test_an_estimate_is_near_what_there_is(views: Snapshot, name: str) -> None:
    """Each bucket, and all together, are within what chance explains (five deviations), and the sample is told."""
    query = QUERIES[name]
    estimate = views.timeline(query, None, None, 12)
    exact = views.timeline(query, None, None, 12, exactly=True)
    assert 0.1 < estimate.sampled < 0.9
    assert exact.sampled == 1
    assert [bucket[:2] for bucket in estimate.buckets] == [bucket[:2] for bucket in exact.buckets]

    def is_near(guess: int, number: int) -> bool:
        return abs(guess - number) <= 5 * math.sqrt(max(number, 1 / estimate.sampled) / estimate.sampled)

    for guess, truth in zip(estimate.buckets, exact.buckets, strict=True):
        for state in State:
            assert is_near(guess.states[state], truth.states[state])
    assert is_near(sum(bucket.total for bucket in estimate.buckets), sum(bucket.total for bucket in exact.buckets))


@pytest.mark.usefixtures("_scarce")
@pytest.mark.parametrize("name", ["all", "filter", "word"])
def test_rare_states_are_counted(views: Snapshot, name: str) -> None:
    """Failures, a tenth of all where anything has ended, are as many as there are, in each bucket."""
    query = QUERIES[name]
    estimate, exact = (views.timeline(query, None, None, 12, exactly=exactly) for exactly in (False, True))
    assert estimate.sampled < 1
    assert [bucket.states["Failed"] for bucket in estimate.buckets] == [
        bucket.states["Failed"] for bucket in exact.buckets
    ]


@pytest.mark.usefixtures("_scarce")
@pytest.mark.parametrize("name", QUERIES)
@pytest.mark.parametrize("seconds", [0, 10])
def test_a_short_time_is_counted(views: Snapshot, name: str, seconds: int) -> None:
    """However much there is at other times, where few actions are in the time that is asked for none are estimated."""
    (start,) = views.db.execute("SELECT sort FROM actions ORDER BY sort LIMIT 1 OFFSET 7001").fetchone()
    query = structs.replace(QUERIES[name], start_from=start, start_to=start + seconds * 1_000_000)
    found = views.timeline(query, query.start_from, query.start_to, 12)
    assert found == views.timeline(query, query.start_from, query.start_to, 12, exactly=True)


@pytest.mark.usefixtures("_scarce")
def test_to_ask_again_is_to_be_told_the_same(views: Snapshot) -> None:
    """An estimate has no chance in it."""
    assert views.timeline(QUERIES["word"], None, None, 50) == views.timeline(QUERIES["word"], None, None, 50)


@pytest.mark.parametrize("name", QUERIES)
def test_what_is_quick_is_counted(views: Snapshot, name: str) -> None:
    """So few actions are never estimated."""
    assert views.timeline(QUERIES[name], None, None, 12).sampled == 1


@given(last=st.integers(1, 10**9), blocks=st.integers(1, 500))
def test_blocks_are_spread_over_the_whole_log(last: int, blocks: int) -> None:
    """Each part of the log has one, inside it and apart from the others."""
    stride = last / blocks
    firsts = sample.spread(last, blocks)
    if stride < 2 * sample.LENGTH:
        return
    assert len(firsts) == blocks
    assert all(stride * n - 1 <= first <= stride * (n + 1) - sample.LENGTH for n, first in enumerate(firsts))
    assert all(one + sample.LENGTH <= other for one, other in pairwise(firsts))
