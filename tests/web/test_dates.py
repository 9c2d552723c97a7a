"""Dates as text: what they name, and what is none."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deedbook.web.dates import has_fraction, parse_date, parse_range

SECOND = 1_000_000
MINUTE = 60 * SECOND
DAY = 86_400 * SECOND

#: 2014-09-17T08:26:22Z.
NOON = 1_410_942_382 * SECOND

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

offsets = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))
# A day inside the bounds on both sides, so that every offset leaves the date within them.
moments = st.datetimes(datetime(1970, 1, 2), datetime(9999, 12, 30), timezones=offsets)  # noqa: DTZ001  # zones are drawn


def microseconds(moment: datetime) -> int:
    """The date as the log has it."""
    return (moment - EPOCH) // timedelta(microseconds=1)


@given(moments)
def test_iso_round_trip(moment: datetime) -> None:
    """Every moment, at any offset, is read back from ISO 8601 to the microsecond."""
    assert parse_date(moment.isoformat()) == microseconds(moment)
    assert parse_date(moment.isoformat(" ")) == microseconds(moment)


@given(moments)
def test_rfc_1123_round_trip(moment: datetime) -> None:
    """Every moment, at any offset, is read back from RFC 1123 to the second, and names all of it."""
    whole = microseconds(moment.replace(microsecond=0))
    assert parse_range(format_datetime(moment)) == (whole, whole + SECOND - 1)


@given(moments)
def test_plus_that_became_a_space(moment: datetime) -> None:
    """An offset whose "+" a query string turned into a space is the same offset."""
    for text in (moment.isoformat(), format_datetime(moment)):
        assert parse_range(text.replace("+", " ")) == parse_range(text)


@given(moments)
def test_range_begins_at_the_date(moment: datetime) -> None:
    """A date is the first microsecond of its range, and only a fraction makes the range one microsecond long."""
    text = moment.isoformat()
    first, last = parse_range(text)
    assert parse_date(text) == first
    assert has_fraction(text) == (first == last)


#: The usual form, with something of it replaced: much of it is a date still, or nearly one.
nearly_usual = st.builds(
    lambda moment, at, piece: (
        f"{moment:%Y-%m-%dT%H:%M:%SZ}"[:at] + piece + f"{moment:%Y-%m-%dT%H:%M:%SZ}"[at + len(piece) :]
    ),
    st.datetimes(datetime(1969, 12, 31), datetime(9999, 12, 31)),  # noqa: DTZ001  # it is written as UTC
    st.integers(0, 19),
    st.text("0123456789TtZz -+:.٣", max_size=2),
)


@given(nearly_usual)
def test_the_usual_form_is_read_as_any_other(text: str) -> None:
    """The short way for what most logs write gives the same date, or the same refusal, as that for all forms."""
    assert said(parse_date, text) == said(lambda text: parse_range(text)[0], text)


def said(parse: Callable[[str], int], text: str) -> int | str:
    """Return the date, or the sentence that refuses it."""
    try:
        return parse(text)
    except ValueError as error:
        return str(error)


@pytest.mark.parametrize(
    ("text", "first", "length"),
    [
        ("Wed, 17 Sep 2014 08:26:22 +0000", NOON, SECOND),
        ("Wed, 17 Sep 2014 08:26:22 GMT", NOON, SECOND),
        ("Wed, 17 Sep 2014 08:26:22 0000", NOON, SECOND),
        ("Wed, 17 Sep 2014 10:26:22  0200", NOON, SECOND),
        ("17 Sep 2014 04:26:22 -0400", NOON, SECOND),
        ("2014-09-17T08:26:22Z", NOON, SECOND),
        ("2014-09-17t08:26:22z", NOON, SECOND),
        ("2014-09-17T08:26:22", NOON, SECOND),
        ("2014-09-17 08:26:22 00:00", NOON, SECOND),
        ("2014-09-17T10:26:22+0200", NOON, SECOND),
        ("2014-09-17T10:26:22+02", NOON, SECOND),
        ("2014-09-17T08:26:22.5Z", NOON + SECOND // 2, 1),
        ("2014-09-17T08:26:22,000001", NOON + 1, 1),
        ("2014-09-17T08:26:22.0000019Z", NOON + 1, 1),
        ("2014-09-17T08:26Z", NOON - 22 * SECOND, MINUTE),
        ("2014-09-17", NOON // DAY * DAY, DAY),
        ("1970-01-01T00:00:00Z", 0, SECOND),
        ("9999-12-31", 253_402_214_400 * SECOND, DAY),
    ],
)
def test_forms(text: str, first: int, length: int) -> None:
    """Each form names what it says: a day, a minute, a second or a microsecond."""
    assert parse_range(text) == (first, first + length - 1)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not a date"),
        ("yesterday", "not a date"),
        ("1410942382", "not a date"),
        ("1410942382.5", "not a date"),
        ("20140917", "not a date"),
        ("2014-W38-3", "not a date"),
        ("2014-09-17T08", "not a date"),
        ("2014-09-17T24:00", "not a date"),
        ("2014-09-17T08:26:60Z", "not a date"),
        ("2014-09-17T08:26:22+25:00", "not a date"),
        ("2014-09-17Z", "not a date"),
        ("2014-09-17T08:26:22Z ", "not a date"),
        ("Wed, 17 Sep 2014 08:26:22", "not a date"),
        ("٢٠١٤-09-17", "not a date"),
        ("2014-02-30", "no date that there is"),
        ("30 Feb 2014 00:00:00 GMT", "no date that there is"),
        ("17 Foo 2014 00:00:00 GMT", "no date that there is"),
        ("Mon, 17 Sep 2014 08:26:22 +0000", "no date that there is"),
        ("0000-01-01", "no date that there is"),
        ("1969-12-31", "outside the years"),
        ("1970-01-01T00:00:00+00:01", "outside the years"),
        ("9999-12-31T23:59:59-00:01", "outside the years"),
    ],
)
def test_no_date(text: str, reason: str) -> None:
    """What is no date, or none that a log can have, is refused with the reason."""
    with pytest.raises(ValueError, match=reason):
        parse_range(text)


@given(st.text() | st.from_regex(r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}:[0-9]{2}[ +-][0-9]{4})?\Z"))
def test_any_text(text: str) -> None:
    """Any text names a range within the bounds, or is refused with a short sentence in ASCII."""
    first, last, words = tried(text)
    assert 0 <= first <= last < 253_402_300_800 * SECOND
    assert words.isascii()
    assert len(words) < 600


def tried(text: str) -> tuple[int, int, str]:
    """The range that a text names, or why it names none."""
    try:
        return (*parse_range(text), "")
    except ValueError as error:
        return 0, 0, str(error)
