"""Dates as the wire has them, from microseconds since the epoch."""

import time
from functools import lru_cache

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def rfc1123(date: int) -> str:
    """Return `Wed, 17 Sep 2014 08:26:22 +0000`: the published command line reads nothing else."""
    days, second = divmod(date // 1_000_000, 86_400)
    return _day(days) + _clock(second)


def iso8601(date: int) -> str:
    """Return `2016-02-01T16:47:28Z`: the form that event frames have."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(date // 1_000_000))


def iso8601_exactly(date: int) -> str:
    """Return `2016-02-01T16:47:28.000000Z`: to the microsecond, for who goes on from there."""
    return f"{iso8601(date)[:-1]}.{date % 1_000_000:06}Z"


# Most dates of a rebuild are different seconds of few days: a cache of both halves hits, one of the whole would not.
@lru_cache(maxsize=4096)
def _day(days: int) -> str:
    t = time.gmtime(days * 86_400)
    return f"{_DAYS[t.tm_wday]}, {t.tm_mday:02} {_MONTHS[t.tm_mon - 1]} {t.tm_year:04}"


@lru_cache(maxsize=86_400)
def _clock(second: int) -> str:
    return f" {second // 3600:02}:{second // 60 % 60:02}:{second % 60:02} +0000"
