"""The output of actions: how its lines are kept so that they can't be changed later.

Each line has a running digest, hₙ = SHA-256(hₙ₋₁ ‖ timestamp as 8 bytes, big-endian ‖ line as UTF-8), with h₀ empty.
The event that ends an action holds the number of its lines and the last digest.
"""

from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from deedbook.domain.commands import Line


class OutputLine(NamedTuple):
    """A line as it is kept: `line` counts from 1 in its action, `timestamp` is in seconds since the epoch."""

    action: UUID
    line: int
    timestamp: int
    text: str
    digest: bytes


class OutputEnd(NamedTuple):
    """How far an action's output has come: the number of its lines and their running digest."""

    lines: int = 0
    digest: bytes = b""


def digest_of(before: bytes, timestamp: int, text: str) -> bytes:
    """Return the running digest of a line after the one whose digest is `before`."""
    return sha256(before + timestamp.to_bytes(8, "big", signed=True) + text.encode()).digest()


def chain(action: UUID, end: OutputEnd, lines: Iterable[Line], now: int) -> Iterator[OutputLine]:
    """Number, date and chain `lines` behind `end`; `now` is in microseconds."""
    number, digest = end
    for line in lines:
        timestamp = now // 1_000_000 if line.timestamp is None else line.timestamp
        number += 1
        digest = digest_of(digest, timestamp, line.text)
        yield OutputLine(action, number, timestamp, line.text, digest)
