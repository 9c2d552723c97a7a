"""A log that is read from a replica, and from the primary where the replica can't be asked, or is not so far yet.

A replica has the same events and lines, in the same order, but not the last of them: so what it answers is a beginning
of the right answer, which the primary goes on with. Nobody reads less than there is, or anything out of order, because
of a replica; what asks how far the log is, or must not be old, asks the primary.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar
from uuid import UUID

from deedbook.domain.errors import StoreFailed, StoreUnusable, Undecodable
from deedbook.domain.keys import ApiKey
from deedbook.domain.log import EventLog, Happened, NumberedLine, Stored
from deedbook.domain.output import OutputEnd, OutputLine

_log = logging.getLogger(__name__)

Entry = TypeVar("Entry")


class Replicated:
    """See `EventLog`: events and output are read from `replica` as far as it has them, the rest from `primary`."""

    def __init__(self, primary: EventLog, replica: EventLog) -> None:
        self._primary = primary
        self._replica = replica
        self._is_known = False
        self._failing: str | None = None
        self._telling = threading.Lock()

    @property
    def is_remote(self) -> bool:
        """See `EventLog.is_remote`."""
        return True

    def elsewhere(self) -> "Callable[[], Replicated]":
        """See `EventLog.elsewhere`."""
        return partial(_opened, self._primary.elsewhere(), self._replica.elsewhere())

    def check(self) -> None:
        """Raise `StoreUnusable` where the replica is of another log; it may be out of reach, or empty yet."""
        try:
            theirs = self._replica.stored(0, 1)
        except StoreFailed:
            return
        if theirs:
            self._is_known = list(theirs) == list(self._primary.stored(0, 1))
            if not self._is_known:
                raise StoreUnusable(
                    "DEEDBOOK_READ_URL names another log than DEEDBOOK_URL; name a replica of that one."
                )

    def head(self) -> int:
        """See `EventLog.head`."""
        return self._primary.head()

    def recorded(self, position: int) -> int | None:
        """See `EventLog.recorded`."""
        return self._primary.recorded(position)

    def history(self, aggregate: UUID, limit: int = -1) -> Sequence[Happened]:
        """See `EventLog.history`."""
        return self._primary.history(aggregate, limit)

    def wait(self, after: int, timeout: float) -> bool:
        """See `EventLog.wait`."""
        return self._primary.wait(after, timeout)

    def output_end(self, action: UUID) -> OutputEnd:
        """See `EventLog.output_end`."""
        return self._primary.output_end(action)

    def output_head(self) -> int:
        """See `EventLog.output_head`."""
        return self._primary.output_head()

    def api_keys(self) -> Sequence[ApiKey]:
        """See `EventLog.api_keys`."""
        return self._primary.api_keys()

    def changes(self) -> int:
        """See `EventLog.changes`."""
        return self._primary.changes()

    def read(self, after: int, limit: int) -> Sequence[Happened]:
        """See `EventLog.read`."""
        return self._both(lambda log, last, left: log.read(last, left), lambda one: one.position, after, limit)

    def stored(self, after: int, limit: int) -> Sequence[Stored]:
        """See `EventLog.stored`."""
        return self._both(lambda log, last, left: log.stored(last, left), lambda one: one.position, after, limit)

    def output(self, action: UUID, after: int, limit: int) -> Sequence[OutputLine]:
        """See `EventLog.output`."""
        return self._both(lambda log, last, left: log.output(action, last, left), lambda one: one.line, after, limit)

    def new_output(self, after: int, limit: int) -> Sequence[NumberedLine]:
        """See `EventLog.new_output`."""
        return self._both(lambda log, last, left: log.new_output(last, left), lambda one: one.sequence, after, limit)

    def _both(
        self,
        ask: Callable[[EventLog, int, int], Sequence[Entry]],
        number: Callable[[Entry], int],
        after: int,
        limit: int,
    ) -> Sequence[Entry]:
        """Return what the replica has, and behind that what only the primary has."""
        found = list(self._from_replica(ask, after, limit))
        if len(found) == limit:
            return found
        try:
            rest = ask(self._primary, number(found[-1]) if found else after, limit - len(found))
        except Undecodable:
            if not found:
                raise
            rest = ()
        return [*found, *rest]

    def _from_replica(
        self, ask: Callable[[EventLog, int, int], Sequence[Entry]], after: int, limit: int
    ) -> Sequence[Entry]:
        try:
            if not self._is_known:
                # It was out of reach, or empty, when it was looked at last.
                self.check()
            found = ask(self._replica, after, limit) if self._is_known else ()
        except (StoreFailed, StoreUnusable) as error:
            self._tell(str(error))
            return ()
        self._tell(None)
        return found

    def _tell(self, failing: str | None) -> None:
        """Say once that the replica is not read from, and once that it is again."""
        with self._telling:
            before, self._failing = self._failing, failing
        if failing is not None and before is None:
            _log.warning("The replica is not read from, but the primary: %s", failing)
        elif failing is None and before is not None:
            _log.warning("The replica is read from again.")


def _opened(primary: Callable[[], EventLog], replica: Callable[[], EventLog]) -> Replicated:
    return Replicated(primary(), replica())
