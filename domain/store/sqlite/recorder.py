"""The library's recorder, as our log needs it: explicit gapless positions, dates, leaves, and a subscription.

The stock SQLite recorder takes the implicit rowid as position (the newest one is used again after a delete) and can't
be subscribed to. This one fits in the same places: `eventsourcing` applications can be run on it.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from eventsourcing.persistence import ApplicationRecorder, Notification, StoredEvent, Subscription
from eventsourcing.sqlite import (
    SQLiteApplicationRecorder,
    SQLiteConnection,
    SQLiteConnectionPool,
    SQLiteCursor,
    SQLiteDatastore,
    SQLiteTransaction,
)

from deedbook.domain.store.leaf import leaf
from deedbook.domain.store.sqlite.turn_lock import turn_lock

#: How long a follower may be unaware of what another process committed. In this process it is woken.
POLL_SECONDS = 0.025

_INSERT = "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)"
_SELECT = "SELECT position, aggregate, version, topic, recorded, state FROM events"


@dataclass(frozen=True)
class RecordedNotification(Notification):
    """A notification that knows when its event was recorded, in microseconds since the epoch."""

    recorded: int = 0


class _ImmediateTransaction(SQLiteTransaction):
    """Takes SQLite's write lock at once, so that what is read in the transaction stays true until it commits."""

    def __enter__(self) -> SQLiteCursor:
        cursor = self.connection.cursor()
        cursor.execute("BEGIN IMMEDIATE" if self.commit else "BEGIN")
        return cursor


class _LogConnection(SQLiteConnection):
    @contextmanager
    def transaction(self, *, commit: bool) -> Iterator[SQLiteCursor]:
        with _ImmediateTransaction(self, commit=commit) as cursor, cursor:
            yield cursor


class _LogPool(SQLiteConnectionPool):
    def _create_connection(self) -> SQLiteConnection:
        made = super()._create_connection()
        # An answer is given only after the transaction is on disk, whatever the machine does next.
        made.cursor().execute("PRAGMA synchronous = FULL")
        made.cursor().execute("PRAGMA wal_autocheckpoint = 4000")
        return _LogConnection(made._sqlite_conn, self.max_age)  # noqa: SLF001  # the library has no public way


class LogDatastore(SQLiteDatastore):
    """Connections to one store: writing transactions take the writer's turn first."""

    def __init__(self, path: Path) -> None:
        self.turns = turn_lock(path)
        super().__init__(str(path))
        self.pool = _LogPool(db_name=str(path), lock_timeout=10)

    @contextmanager
    def transaction(self, *, commit: bool) -> Iterator[SQLiteCursor]:
        """Open a transaction; one that commits waits for the writer's turn, one that reads for nobody."""
        if not commit:
            with super().transaction(commit=False) as cursor:
                yield cursor
            return
        with self.turns.held(), super().transaction(commit=True) as cursor:
            yield cursor

    def close(self) -> None:
        """Close the connections."""
        super().close()
        self.turns.close()


class LogRecorder(SQLiteApplicationRecorder):
    """Records events at gapless positions, in the order of commit."""

    def __init__(self, datastore: LogDatastore, clock: Callable[[], int]) -> None:
        super().__init__(datastore, "events")
        self._clock = clock
        self.recorded = threading.Condition()
        self.select_max_notification_id_statement = "SELECT max(position) FROM events"

    def construct_create_table_statements(self) -> list[str]:
        """Return nothing: `schema.create` makes the tables, all or none."""
        return []

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:  # noqa: ANN401  # the library's signature
        """Record events durably, all or none, and return their positions; IntegrityError for a version taken."""
        positions = super().insert_events(stored_events, **kwargs)
        self.announce()
        return positions

    def announce(self) -> None:
        """Wake the followers in this process: something was committed."""
        with self.recorded:
            self.recorded.notify_all()

    def _insert_events(
        self,
        c: SQLiteCursor,
        stored_events: Sequence[StoredEvent],
        **_: Any,  # noqa: ANN401  # the library's signature
    ) -> Sequence[int]:
        c.execute("SELECT position, recorded FROM events ORDER BY position DESC LIMIT 1")
        position, recorded = c.fetchone() or (0, 0)
        return self.insert_at(c, stored_events, position, max(self._clock(), recorded))

    def insert_at(
        self, c: SQLiteCursor, stored_events: Sequence[StoredEvent], position: int, recorded: int
    ) -> Sequence[int]:
        """Insert events behind `position`, the head that was read in this transaction; see `insert_events`."""
        rows = [_row(number, event, recorded) for number, event in enumerate(stored_events, position + 1)]
        c.executemany(_INSERT, rows)
        return [row[0] for row in rows]

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """Return the events of one aggregate in order of version, between `gt` (exclusive) and `lte`."""
        found = self._select(
            f"{_SELECT} WHERE aggregate = ? AND version > ? AND version <= ?"
            f" ORDER BY version {'DESC' if desc else 'ASC'} LIMIT ?",
            (_bytes(originator_id), -1 if gt is None else gt, 2**63 - 1 if lte is None else lte, _limit(limit)),
        )
        return [StoredEvent(e.originator_id, e.originator_version, e.topic, e.state) for e in found]

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """Return up to `limit` events in order of position, from `start` to `stop`, of these topics or any."""
        first = 0 if start is None else start + (not inclusive_of_start)
        among = f" AND topic IN ({','.join('?' * len(topics))})" if topics else ""
        return self._select(
            f"{_SELECT} WHERE position >= ? AND position <= ?{among} ORDER BY position LIMIT ?",
            (first, 2**63 - 1 if stop is None else stop, *topics, limit),
        )

    def _select(self, statement: str, parameters: Sequence[object]) -> list[RecordedNotification]:
        with self.datastore.transaction(commit=False) as cursor:
            cursor.execute(statement, parameters)
            return [
                RecordedNotification(
                    UUID(bytes=row["aggregate"]),
                    row["version"],
                    row["topic"],
                    row["state"],
                    row["position"],
                    row["recorded"],
                )
                for row in cursor.fetchall()
            ]

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> Subscription[ApplicationRecorder]:
        """Return an endless iterator of the events behind position `gt`: those that are there, then each new one."""
        return CatchUp(self, gt, topics)


class CatchUp(Subscription[LogRecorder]):
    """A catch-up subscription: each event once, in order, whoever recorded it."""

    def __init__(self, recorder: LogRecorder, gt: int | None, topics: Sequence[str]) -> None:
        super().__init__(recorder, gt, topics)
        self._ready: Iterator[Notification] = iter(())

    def __next__(self) -> Notification:
        """Return the next event, blocking until there is one; StopIteration once the subscription was stopped."""
        while not self._has_been_stopped:
            found = next(self._ready, None)
            if found is not None:
                self._last_notification_id = found.id
                return found
            if not self._refill():
                with self._recorder.recorded:
                    self._recorder.recorded.wait(POLL_SECONDS)
        raise StopIteration

    def _refill(self) -> bool:
        found = self._recorder.select_notifications(
            self._last_notification_id, 500, topics=self._topics, inclusive_of_start=False
        )
        self._ready = iter(found)
        return bool(found)

    def stop(self) -> None:
        """End the iteration, also one that waits."""
        super().stop()
        self._recorder.announce()


def _row(position: int, event: StoredEvent, recorded: int) -> tuple[int, bytes, int, str, int, bytes, bytes]:
    aggregate, version = event.originator_id, event.originator_version
    if not isinstance(aggregate, UUID):
        aggregate = UUID(aggregate)
    proof = leaf(position, aggregate, version, event.topic, recorded, event.state)
    return position, aggregate.bytes, version, event.topic, recorded, event.state, proof


def _bytes(aggregate: UUID | str) -> bytes:
    return aggregate.bytes if isinstance(aggregate, UUID) else UUID(aggregate).bytes


def _limit(limit: int | None) -> int:
    return -1 if limit is None else limit


def now() -> int:
    """Return the present, in microseconds since the epoch."""
    return time.time_ns() // 1000


__all__ = ["POLL_SECONDS", "CatchUp", "LogDatastore", "LogRecorder", "RecordedNotification", "now"]
