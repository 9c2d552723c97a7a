"""How many actions a list finds, where it could only tell a bound: its timeline has counted or estimated them."""

from deedbook.projections.timeline import Timeline

#: An estimate of fewer actions in the sample would be off by a tenth and more, and is not told.
_LEAST = 100

#: So many digits of an estimate are sure.
_DIGITS = 2


def counted(timeline: Timeline, bound: int) -> str | None:
    """Return the number of all actions in a timeline, None where it knows no more than that there are `bound` at least.

    An exact number is told whatever the bound says: the timeline is newer. An estimate is never below the bound.
    """
    total = sum(bucket.total for bucket in timeline.buckets)
    if timeline.sampled >= 1:
        return f"{total:,}"
    if total * timeline.sampled < _LEAST:
        return None
    return f"about {max(_rounded(total), bound):,}"


def _rounded(number: int) -> int:
    """Return a number with its first digits, and zeros behind them."""
    return round(number, -max(0, len(str(number)) - _DIGITS))
