"""Dates as the wire has them, from microseconds since the epoch."""

import time
from functools import lru_cache

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def rfc1123(date: int) -> str:
    """Return `Wed, 17 Sep 2014 08:26:22 +0000`: the published command line reads nothing else."""
    return _rfc1123(date // 1_000_000)


def iso8601(date: int) -> str:
    """Return `2016-02-01T16:47:28Z`: the form that event frames have."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(date // 1_000_000))


@lru_cache(maxsize=65536)
def _rfc1123(second: int) -> str:
    t = time.gmtime(second)
    return (
        f"{_DAYS[t.tm_wday]}, {t.tm_mday:02} {_MONTHS[t.tm_mon - 1]} {t.tm_year:04} "
        f"{t.tm_hour:02}:{t.tm_min:02}:{t.tm_sec:02} +0000"
    )
