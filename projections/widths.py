"""Round widths of time: how a span is cut into buckets that begin at whole seconds, hours, days, months or years.

All in UTC, and in microseconds since the epoch.
"""

from collections.abc import Iterator
from datetime import MAXYEAR, UTC, datetime
from typing import NamedTuple

SECOND = 1_000_000
DAY = 86_400 * SECOND

#: A week begins on Monday; the epoch was a Thursday.
_MONDAY = 4 * DAY

#: Behind the last date that there is.
END = 253_402_300_800 * SECOND


class Width(NamedTuple):
    """A width of buckets: `name` is it as an ISO 8601 duration; of `months`, or else of `span` microseconds."""

    name: str
    span: int = 0
    months: int = 0

    @property
    def unit(self) -> int:
        """Microseconds of which each bucket holds a whole number."""
        return self.span or DAY

    def starts(self, low: int, high: int) -> Iterator[int]:
        """Return where the buckets begin that hold all from `low` to `high`, in order; without an end where none is."""
        if self.months:
            yield from self._months(low, high)
            return
        offset = _MONDAY if self.span == 7 * DAY else 0
        yield from range((low - offset) // self.span * self.span + offset, high + 1, self.span)

    def behind(self, start: int) -> int:
        """Return where the bucket behind one begins."""
        # A bucket of the year 0 begins with the year 1, and ends where it would.
        return start + self.span if self.span else _month((_number(start) // self.months + 1) * self.months)

    def _months(self, low: int, high: int) -> Iterator[int]:
        month = _number(low) // self.months * self.months
        while (start := _month(month)) <= high:
            yield start
            month += self.months


def _number(date: int) -> int:
    """Return the number of a date's month, from that of the year 0 on."""
    day = datetime.fromtimestamp(date // SECOND, UTC)
    return day.year * 12 + day.month - 1


def _month(number: int) -> int:
    year, month = divmod(number, 12)
    if year > MAXYEAR:
        return END
    # The first years of a round number of them may begin before there are dates.
    return int(datetime(max(year, 1), month + 1, 1, tzinfo=UTC).timestamp()) * SECOND


WIDTHS = (
    *(Width(f"PT{n}S", n * SECOND) for n in (1, 2, 5, 10, 15, 30)),
    *(Width(f"PT{n}M", n * 60 * SECOND) for n in (1, 2, 5, 10, 15, 30)),
    *(Width(f"PT{n}H", n * 3600 * SECOND) for n in (1, 2, 3, 6, 12)),
    Width("P1D", DAY),
    Width("P2D", 2 * DAY),
    Width("P7D", 7 * DAY),
    Width("P1M", months=1),
    Width("P3M", months=3),
    *(Width(f"P{n}Y", months=12 * n) for n in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)),
)


def fitting(low: int, high: int, most: int) -> tuple[Width, list[int]]:
    """Return the smallest width of which `most` buckets, or fewer, hold all from `low` to `high`; and their starts."""
    for width in WIDTHS:
        longest = width.span or width.months * 31 * DAY
        starts = list(width.starts(low, high)) if longest * most > high - low else []
        if 0 < len(starts) <= most:
            return width, starts
    # Only of one bucket, which a turn of the millennia may cut in two.
    return WIDTHS[-1], [low]
