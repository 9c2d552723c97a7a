"""What `verify` reads: a whole store as it was at one moment, as it is stored. An engine of `store/` implements it."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from deedbook.domain.finding import Finding
from deedbook.domain.log import Happened, Stored


class StoredLine(NamedTuple):
    """A line of output as it is stored."""

    action: bytes
    line: int
    timestamp: int
    text: str
    digest: bytes


class StoredAnswer(NamedTuple):
    """An idempotency key and the answer that is given for it, as they are stored."""

    namespace: str
    key: str
    request: bytes
    result: bytes
    position: int


class StoredKey(NamedTuple):
    """An API key as it is stored."""

    id: bytes
    user: str
    namespace: str
    role: str
    secret_hash: bytes
    created: int
    revoked: int | None


class Snapshot(Protocol):
    """A store at one moment: whatever is recorded meanwhile is not in it. Each method raises `StoreFailed`."""

    def head(self) -> int:
        """Return the position of the last event, 0 where there is none."""

    def recorded(self, position: int) -> int | None:
        """Return the recorded date of the event at a position, None where there is none."""

    def read(self, after: int, limit: int) -> Sequence[Happened]:
        """See `EventLog.read`."""

    def stored(self, after: int, limit: int) -> Sequence[Stored]:
        """Return up to `limit` events behind a position as they are stored, in order of position."""

    def history(self, aggregate: bytes) -> Sequence[Stored]:
        """Return the events of one aggregate, in order of version."""

    def line_count(self) -> int:
        """Return how many lines of output there are."""

    def lines(self) -> Iterator[StoredLine]:
        """Return all output, action by action, in order of the lines' numbers."""

    def missing_sequences(self) -> Iterator[tuple[int, int]]:
        """Return the first and last of each range of sequences that no line of output has."""

    def answers(self) -> Iterator[StoredAnswer]:
        """Return every idempotency key."""

    def api_keys(self) -> Iterator[StoredKey]:
        """Return every API key."""

    def faults(self) -> Iterator[Finding]:
        """Return what is wrong with the database itself: its pages, its tables, what keeps it append-only."""
