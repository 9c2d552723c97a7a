"""How the log is read: by whoever follows it (projections, streams) and whoever asks for output or keys.

An engine of `store/` implements it. Every method may be called from any thread.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol
from uuid import UUID

from msgspec import Struct

from deedbook.domain.events import Event
from deedbook.domain.keys import ApiKey
from deedbook.domain.merkle import TreeHead
from deedbook.domain.output import OutputEnd, OutputLine


class Happened(NamedTuple):
    """An event where it stands: gapless `position` in the log, `version` in its aggregate, recorded date, its leaf."""

    position: int
    aggregate: UUID
    version: int
    recorded: int
    event: Event
    leaf: bytes


class Stored(NamedTuple):
    """An event as it is stored, before anything is made of it: what `verify` reads."""

    position: int
    aggregate: bytes
    version: int
    topic: str
    recorded: int
    state: bytes
    leaf: bytes


class NumberedLine(NamedTuple):
    """A line of output with its place among all output of the store, which is only for following it."""

    sequence: int
    line: OutputLine


class Counts(Struct, frozen=True, forbid_unknown_fields=True):
    """How many there are of each. Of a whole store, `events` is its head, and `output` its last sequence."""

    events: int = 0
    output: int = 0
    keys: int = 0
    idempotency: int = 0


class Whole(NamedTuple):
    """What a copy of a store holds, and the head of its log."""

    holds: Counts
    head: TreeHead


class EventLog(Protocol):
    """The reading side of a store."""

    @property
    def is_remote(self) -> bool:
        """Whether an answer takes a journey, and may be long in coming: no event loop should wait for many of them."""

    def elsewhere(self) -> Callable[[], "EventLog"]:
        """Return what opens the same log in another process: it can be pickled."""

    def head(self) -> int:
        """Return the position of the last event, 0 where there is none; raises `StoreFailed`."""

    def recorded(self, position: int) -> int | None:
        """Return the recorded date of the event at a position, None where there is none."""

    def read(self, after: int, limit: int) -> Sequence[Happened]:
        """Return up to `limit` events behind a position, in order.

        Stops before an event that can't be read; raises `Undecodable` when that is the first one.
        """

    def stored(self, after: int, limit: int) -> Sequence[Stored]:
        """Return up to `limit` events behind a position as they are stored, in order of position."""

    def history(self, aggregate: UUID, limit: int = -1) -> Sequence[Happened]:
        """Return the events of one aggregate, in order of version: the first `limit`, or (-1) all.

        Raises `Undecodable` where one of them can't be read.
        """

    def wait(self, after: int, timeout: float) -> bool:
        """Block until the head is behind `after`, or `timeout` seconds have passed; tell which (True: it is)."""

    def output_end(self, action: UUID) -> OutputEnd:
        """Return how far the output of an action has come."""

    def output(self, action: UUID, after: int, limit: int) -> Sequence[OutputLine]:
        """Return up to `limit` lines of an action behind line `after`, in order."""

    def output_head(self) -> int:
        """Return the sequence of the last line of any action's output, 0 where there is none."""

    def new_output(self, after: int, limit: int) -> Sequence[NumberedLine]:
        """Return up to `limit` lines of any action behind a sequence, in order."""

    def api_keys(self) -> Sequence[ApiKey]:
        """Return every API key that was ever issued, oldest first, each with its last use as far as that was noted."""

    def changes(self) -> int:
        """Return a number that differs from the last one when an event or a line of output was committed since; cheap.

        Of what this process committed it knows at once, of what others did when it has heard of it, within 0.1 s.
        """
