"""The library's recorder on our tables: explicit gapless positions, dates, leaves, and a subscription that wakes.

The stock PostgreSQL recorder leaves holes in its positions, tells a commit that was in doubt as a conflict, and its
subscription ends with its connection. This one fits in the same places: `eventsourcing` applications can be run on it.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from eventsourcing.persistence import (
    ApplicationRecorder,
    IntegrityError,
    OperationalError,
    StoredEvent,
    Subscription,
)

from deedbook.domain.errors import LostRace, StoreFailed, Unsettled
from deedbook.domain.store.postgres.listening import Listener
from deedbook.domain.store.postgres.reading import PooledReader
from deedbook.domain.store.postgres.recording import Recording
from deedbook.domain.store.sql.rows import EventRow, event_rows
from deedbook.domain.store.sql.selecting import SelectingRecorder
from deedbook.domain.store.subscription import CatchUp
from deedbook.domain.store.writer import TRIES, Doubtful, TurnLost, settled


class LogRecorder(SelectingRecorder):
    """Records events at gapless positions, in the order of commit; `recording` is its own."""

    def __init__(
        self, recording: Recording, reader: PooledReader, listener: Listener, clock: Callable[[], int]
    ) -> None:
        self._recording = recording
        self._reader = reader
        self.recorded = listener.recorded
        self._clock = clock
        self._threads = threading.Lock()

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int] | None:  # noqa: ANN401  # the library's signature
        """Record events durably, all or none, and return their positions; IntegrityError for a version taken.

        Where the connection dies while they are committed, it is found out whether they were: OperationalError says
        that nothing is recorded, unless it says that this could not be found out.
        """
        failure: Exception | None = None
        with self._threads:
            for _try in range(TRIES):
                try:
                    return [row[0] for row in self._insert(stored_events)]
                except LostRace as race:
                    raise IntegrityError(str(race.__cause__)) from race
                except TurnLost as lost:
                    failure = lost
                except (StoreFailed, Unsettled) as error:
                    raise OperationalError(str(error)) from error
        raise OperationalError(str(failure)) from failure

    def _insert(self, stored_events: Sequence[StoredEvent]) -> list[EventRow]:
        rows: list[EventRow] = []
        try:
            with self._recording.turn() as (told, head):
                rows = event_rows(stored_events, head.position, max(self._clock(), head.recorded))
                told.insert("events", rows)
        except Doubtful as doubt:
            if not settled(doubt):
                raise TurnLost(str(doubt.__cause__)) from doubt
        return rows

    @contextmanager
    def asked(self) -> Iterator[PooledReader]:
        """See `SelectingRecorder.asked`."""
        yield self._reader

    def max_notification_id(self) -> int | None:
        """Return the position of the last event, None where there is none."""
        ((position,),) = self._reader.all("SELECT max(position) FROM events")
        return None if position is None else int(position)

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> Subscription[ApplicationRecorder]:
        """Return an endless iterator of the events behind position `gt`: those that are there, then each new one.

        It goes on where it was when the server can be reached again.
        """
        return PatientCatchUp(self, self.recorded, gt, topics)


class PatientCatchUp(CatchUp):
    """A subscription that outlives the server's restarts."""

    def _refill(self) -> bool:
        try:
            return super()._refill()
        except StoreFailed:
            # Nothing is lost by waiting: what is new is there when the server is.
            return False
