"""Dates as text, in the two forms that the API takes: ISO 8601 and RFC 1123.

Inside, a date is an integer: microseconds since 1970-01-01T00:00:00Z.
"""

import re
from datetime import UTC, datetime

import msgspec

SECOND = 1_000_000
MINUTE = 60 * SECOND
DAY = 24 * 60 * MINUTE

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_USUAL = len("2014-09-17T08:26:22Z")
_LAST = 253_402_300_800 * SECOND - 1

_HOUR = r"(?:[01]\d|2[0-3])"
_CLOCK = rf"{_HOUR}:[0-5]\d"
_SECOND = r":[0-5]\d"

# The "+" of an offset arrives as a space when its sender did not encode it in the query string.
_ISO = re.compile(
    rf"(?P<day>\d{{4}}-\d\d-\d\d)"
    rf"(?:[Tt ](?P<clock>{_CLOCK})(?:(?P<second>{_SECOND})(?P<fraction>[.,]\d+)?)?"
    rf" ?(?P<offset>[Zz]|[+-]?{_HOUR}:?[0-5]\d|[+-]{_HOUR})?)?",
    re.ASCII,
)
_RFC_1123 = re.compile(
    rf"(?:(?P<weekday>[A-Z][a-z]{{2}}), )?(?P<day>\d\d?) (?P<month>[A-Z][a-z]{{2}}) (?P<year>\d{{4}})"
    rf" (?P<clock>{_CLOCK}{_SECOND}) {{1,2}}(?P<offset>GMT|UTC|[+-]?{_HOUR}[0-5]\d)",
    re.ASCII,
)
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NAMES_OF_UTC = frozenset({"Z", "z", "GMT", "UTC"})


def parse_date(text: str) -> int:
    """Return the first microsecond that `text` names.

    Takes RFC 1123, `Wed, 17 Sep 2014 08:26:22 +0000`, with any numeric offset or GMT, and ISO 8601,
    `2014-09-17T08:26:22Z`, with any offset (none is UTC), a space for the T, a fraction (cut off after six
    digits), or without its seconds or its time. Raises ValueError, with a sentence, for anything else: for
    a number, for a day that no calendar has, for a year outside 1970-9999.
    """
    if len(text) == _USUAL and text[10] == "T" and text.endswith("Z"):
        # So most logs write them, and a load reads as many as it has records: a third of the time.
        try:
            moment = msgspec.convert(text, datetime)
        except msgspec.ValidationError:
            pass
        else:
            if moment >= _EPOCH:
                return _microseconds(moment)
    return parse_range(text)[0]


def parse_range(text: str) -> tuple[int, int]:
    """Return the first and the last microsecond that `text` names, read as `parse_date` does.

    Without a fraction it names its whole second, without seconds its minute, without a time its day.
    """
    try:
        named = _iso(text) or _rfc_1123(text)
    except ValueError:
        raise ValueError(f"{_shown(text)} is no date that there is.") from None
    if named is None:
        form = "2014-09-17T08:26:22Z or Wed, 17 Sep 2014 08:26:22 +0000"
        raise ValueError(f"{_shown(text)} is not a date; write it like {form}.")
    moment, span = named
    first = _microseconds(moment)
    last = first + span - 1
    if first < 0 or last > _LAST:
        raise ValueError(f"{_shown(text)} is outside the years 1970 to 9999.")
    return first, last


def _microseconds(moment: datetime) -> int:
    since = moment - _EPOCH
    return since.days * DAY + since.seconds * SECOND + since.microseconds


def has_fraction(text: str) -> bool:
    """Tell whether `text` is a date with a fraction of a second, and so names one microsecond only."""
    found = _ISO.fullmatch(text)
    return found is not None and found["fraction"] is not None


def _iso(text: str) -> tuple[datetime, int] | None:
    """The moment that an ISO 8601 `text` names, and for how many microseconds; None for another form."""
    found = _ISO.fullmatch(text)
    if found is None:
        return None
    day, clock, second, fraction, offset = found.groups(default="")
    moment = datetime.fromisoformat(f"{day}T{clock or '00:00'}{second}{fraction}{_signed(offset)}")
    return moment, 1 if fraction else SECOND if second else MINUTE if clock else DAY


def _rfc_1123(text: str) -> tuple[datetime, int] | None:
    """The same for RFC 1123, which has a date impossible too when its day of the week is another."""
    found = _RFC_1123.fullmatch(text)
    if found is None:
        return None
    weekday, day, month, year, clock, offset = found.groups(default="")
    number = _MONTHS.index(month) + 1
    moment = datetime.fromisoformat(f"{year}-{number:02}-{day:0>2}T{clock}{_signed(offset)}")
    if weekday and _WEEKDAYS.index(weekday) != moment.weekday():
        raise ValueError(weekday)
    return moment, SECOND


def _signed(offset: str) -> str:
    if not offset or offset in _NAMES_OF_UTC:
        return "+00:00"
    return offset if offset[0] in "+-" else f"+{offset}"


def _shown(text: str) -> str:
    """`text` in a sentence: in ASCII, and no longer than the longest date."""
    longest = 40
    return ascii(text if len(text) <= longest else f"{text[:longest]}...")
