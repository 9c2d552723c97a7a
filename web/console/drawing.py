"""The geometry of a timeline: bars of what began in each span of time, stacked by state, as an SVG has them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from deedbook.domain.lifecycle import State
from deedbook.projections.dates import iso8601
from deedbook.projections.timeline import Bucket, Timeline

#: The height of what is drawn, in CSS pixels; and the least of what is not zero: one failure among thousands shows.
HEIGHT, LEAST = 96.0, 2.0

#: From the bottom up: what went wrong stands on the line, where it is compared best.
ORDER = (State.FAILED, State.CANCELED, State.CANCELING, State.PENDING, State.IN_PROGRESS, State.SUCCESS)

#: At the most so many dates stand below.
_TICKS = 7

_SECOND = 1_000_000

#: What the units of a width are called: those of a time of day stand behind a T.
_UNITS: Mapping[str, str] = {
    "TS": "second", "TM": "minute", "TH": "hour", "D": "day", "M": "month", "Y": "year",
}  # fmt: skip

#: How a date is written below bars of at least so many seconds.
_FORMS = ((2_000_000, "%b %Y"), (86_400, "%b %d"), (600, "%b %d %H:%M"), (60, "%H:%M"), (0, "%H:%M:%S"))


class Piece(NamedTuple):
    """One state's part of a bar."""

    state: State
    y: float
    height: float


class Bar(NamedTuple):
    """A bar: where it is, in hundredths of the width; `since` and `until`, its dates, both included."""

    x: float
    width: float
    pieces: Sequence[Piece]
    since: str
    until: str
    counts: Sequence[tuple[State, int]]
    total: int

    @property
    def told(self) -> str:
        """Its numbers in words."""
        parts = ", ".join(f"{count:,} {state}" for state, count in self.counts)
        return f"{self.total:,}: {parts}" if len(self.counts) > 1 else parts or "none"


class Tick(NamedTuple):
    """A date below the bars, and how it is written in UTC."""

    x: float
    date: str
    text: str


class Drawing(NamedTuple):
    """A timeline as it is drawn; `width` names that of a bar, `most` is the highest's number.

    sampled: the part of the log that was looked at, in percent; below 100, numbers are estimates.
    """

    bars: Sequence[Bar]
    ticks: Sequence[Tick]
    totals: Sequence[tuple[State, int]]
    total: int
    most: int
    width: str
    seconds: int
    sampled: float

    @property
    def since(self) -> str:
        """Its first second."""
        return self.bars[0].since

    @property
    def until(self) -> str:
        """Its last second."""
        return self.bars[-1].until


def draw(timeline: Timeline) -> Drawing | None:
    """Return how a timeline looks; None of one that has nothing in it."""
    most = max((bucket.total for bucket in timeline.buckets), default=0)
    if timeline.width is None or not most:
        return None
    share = 100 / len(timeline.buckets)
    bars = [_bar(bucket, number * share, share, most) for number, bucket in enumerate(timeline.buckets)]
    totals = {state: sum(bucket.states.get(state, 0) for bucket in timeline.buckets) for state in ORDER}
    # The first and the last may be cut.
    seconds = max(bucket.end + 1 - bucket.start for bucket in timeline.buckets) // _SECOND
    return Drawing(
        bars,
        _ticks(bars, seconds),
        [(state, total) for state, total in totals.items() if total],
        sum(totals.values()),
        most,
        _named(timeline.width),
        seconds,
        100 * timeline.sampled,
    )


def _bar(bucket: Bucket, x: float, width: float, most: int) -> Bar:
    counts = [(state, bucket.states[state]) for state in ORDER if bucket.states.get(state)]
    pieces, y = [], HEIGHT
    for (state, _), height in zip(counts, _heights([count for _, count in counts], most), strict=True):
        y -= height
        pieces.append(Piece(state, round(y, 2), round(height, 2)))
    return Bar(round(x, 3), round(width, 3), pieces, iso8601(bucket.start), iso8601(bucket.end), counts, bucket.total)


def _heights(counts: Sequence[int], most: int) -> Sequence[float]:
    """Return the height of each part: none vanishes, and what that takes, the highest gives."""
    heights = [max(LEAST, HEIGHT * count / most) for count in counts]
    beyond = sum(heights) - HEIGHT
    if beyond > 0:
        heights[heights.index(max(heights))] -= beyond
    return heights


def _ticks(bars: Sequence[Bar], seconds: int) -> Sequence[Tick]:
    form = next(form for least, form in _FORMS if seconds >= least)
    day = "" if "%b" in form else "%b %d "
    step = -(-len(bars) // _TICKS)
    # One further to the right would reach beyond the edge.
    shown = [bar for bar in bars[::step] if bar.x < 100 - 80 / _TICKS]
    return [
        Tick(bar.x, bar.since, _written(bar.since, form if number else day + form)) for number, bar in enumerate(shown)
    ]


def _written(date: str, form: str) -> str:
    return datetime.fromisoformat(date).strftime(form)


def _named(width: str) -> str:
    """Return what an ISO 8601 duration of one unit is called."""
    count, unit = width[1:].replace("T", "")[:-1], ("T" if "T" in width else "") + width[-1]
    return f"{count} {_UNITS[unit]}{'' if count == '1' else 's'}"
