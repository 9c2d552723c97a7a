"""A log in memory: decides commands as the writer of a store does, and keeps the events that come of it."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from deedbook.domain.commands import Once
from deedbook.domain.decisions import perform
from deedbook.domain.errors import Refused
from deedbook.domain.events import Event
from deedbook.domain.keys import ApiKey
from deedbook.domain.log import Happened
from deedbook.domain.output import OutputEnd, OutputLine
from deedbook.domain.results import Command
from deedbook.domain.session import Batch, Remembered


class MemoryLog:
    """What happened so far; each command is a transaction of its own. Keeps neither API keys nor idempotency keys.

    Its events have no leaf: there is no row that one would be of.
    """

    def __init__(self) -> None:
        self.happened: list[Happened] = []
        self.lines: list[OutputLine] = []
        self._of: dict[UUID, list[Event]] = {}
        self._ends: dict[UUID, OutputEnd] = {}

    def give(self, command: Command, now: int) -> None:
        """Decide a command at a date, not before that of the last; a refused one leaves no trace."""
        batch = Batch(self, {}, now, len(self.happened))
        try:
            perform(batch, command, None)
        except Refused:
            return
        for new in batch.events:
            self.add(new.aggregate, new.event, now)
        self.lines += batch.lines
        self._ends |= batch.outputs

    def add(self, aggregate: UUID, event: Event, now: int) -> None:
        """Let an event happen, whether it may or not, at the next position and version."""
        events = self._of.setdefault(aggregate, [])
        events.append(event)
        self.happened.append(Happened(len(self.happened) + 1, aggregate, len(events), now, event, leaf=b""))

    def events(self, aggregate: UUID, after: int = 0) -> Sequence[Event]:
        """See `Past.events`."""
        return self._of.get(aggregate, [])[after:]

    def begun(self, aggregates: Sequence[UUID]) -> Iterable[UUID]:
        """See `Past.begun`."""
        return self._of.keys() & aggregates

    def output_end(self, action: UUID) -> OutputEnd:
        """See `Past.output_end`."""
        return self._ends.get(action, OutputEnd())

    def remembered(self, _once: Once) -> Remembered | None:
        """See `Past.remembered`."""
        return None

    def api_key(self, _key: UUID) -> ApiKey | None:
        """See `Past.api_key`."""
        return None
