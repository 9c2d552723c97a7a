"""The number of what a list finds, as its timeline tells it."""

from hypothesis import given
from hypothesis import strategies as st

from deedbook.projections.timeline import Bucket, Timeline
from deedbook.web.console.counted import counted

numbers = st.lists(st.integers(0, 10**9), max_size=20)


def timeline(totals: list[int], sampled: float) -> Timeline:
    """Return a timeline with so many actions in each of its buckets."""
    buckets = [Bucket(number, number, {"Success": total}) for number, total in enumerate(totals)]
    return Timeline(0, len(totals), "PT1S", buckets, sampled)


@given(numbers, st.integers(0, 10**9))
def test_what_was_counted_is_told_to_the_last_one(totals: list[int], bound: int) -> None:
    """Where all of the log was looked at, the number is exact, whatever the list said before."""
    assert counted(timeline(totals, 1.0), bound) == f"{sum(totals):,}"


@given(numbers, st.integers(0, 10**9), st.floats(0.001, 0.999))
def test_an_estimate_is_told_as_one_and_is_no_less_than_the_bound(
    totals: list[int], bound: int, sampled: float
) -> None:
    """It has two digits that are near what was estimated; one of very few actions is not told at all."""
    total, told = sum(totals), counted(timeline(totals, sampled), bound)
    if total * sampled < 100:
        assert told is None
        return
    assert told is not None
    number = int(told.removeprefix("about ").replace(",", ""))
    if number == bound:
        assert abs(min(total, bound) - total) <= total / 20 or bound > total
    else:
        assert number > bound
        assert abs(number - total) <= total / 20
        assert str(number)[2:].strip("0") == ""
