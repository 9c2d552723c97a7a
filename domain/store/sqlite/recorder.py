"""The library's recorder, as our log needs it: explicit gapless positions, dates, leaves, and a subscription.

The stock SQLite recorder takes the implicit rowid as position (the newest one is used again after a delete) and can't
be subscribed to. This one fits in the same places: `eventsourcing` applications can be run on it.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from eventsourcing.persistence import InterfaceError, StoredEvent
from eventsourcing.sqlite import (
    SQLiteApplicationRecorder,
    SQLiteConnection,
    SQLiteConnectionPool,
    SQLiteCursor,
    SQLiteDatastore,
    SQLiteTransaction,
)

from deedbook.domain.store.sql.rows import HEAD, event_rows
from deedbook.domain.store.sql.selecting import SelectingRecorder
from deedbook.domain.store.sqlite.asking import SqliteTold
from deedbook.domain.store.sqlite.turn_lock import turn_lock

#: How long a connection waits for a lock that another program holds, in seconds; writers of our own take turns.
_PATIENCE = 10


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
        """Make a connection: not the library's, whose cache of statements is `True`, which is 1.

        With it each transaction has each of its statements compiled again.
        """
        try:
            made = connected(self.db_name)
        except sqlite3.Error as error:
            raise InterfaceError(error) from error
        # The library asks for columns by name.
        made.row_factory = sqlite3.Row
        return _LogConnection(made, self.max_age)


def connected(path: str) -> sqlite3.Connection:
    """Return a new connection that writes durably."""
    made = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False, uri=True)
    try:
        made.execute("PRAGMA journal_mode = WAL")
        # An answer is given only after the transaction is on disk, whatever the machine does next.
        made.execute("PRAGMA synchronous = FULL")
        made.execute("PRAGMA wal_autocheckpoint = 4000")
    except BaseException:
        made.close()
        raise
    return made


class LogDatastore(SQLiteDatastore):
    """Connections to one store: writing transactions take the writer's turn first."""

    def __init__(self, path: Path) -> None:
        self._writing: sqlite3.Connection | None = None
        self.turns = turn_lock(path)
        super().__init__(str(path))
        self.pool = _LogPool(db_name=str(path))

    @contextmanager
    def transaction(self, *, commit: bool) -> Iterator[SQLiteCursor]:
        """Open a transaction; one that commits waits for the writer's turn, one that reads for nobody."""
        if not commit:
            with super().transaction(commit=False) as cursor:
                yield cursor
            return
        with self.turns.held(), super().transaction(commit=True) as cursor:
            yield cursor

    @contextmanager
    def turn(self) -> Iterator[sqlite3.Connection]:
        """Wait for the writer's turn and open a transaction on a connection that is kept for these.

        Leaving commits it; an exception undoes it, and closes the connection, whatever state that is in. Measured with
        warm caches, and nothing in it: 9 µs, where a connection of the library's pool and its transaction take 23.
        """
        with self.turns.held():
            connection = self._writing or connected(self.pool.db_name)
            self._writing = None
            try:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                connection.close()
                raise
            self._writing = connection

    def close(self) -> None:
        """Close the connections."""
        super().close()
        self.turns.close()
        if self._writing is not None:
            self._writing.close()
            self._writing = None


class LogRecorder(SelectingRecorder, SQLiteApplicationRecorder):
    """Records events at gapless positions, in the order of commit."""

    datastore: LogDatastore

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
        sql = SqliteTold(c)
        head = sql.all(HEAD)
        position, recorded = head[0] if head else (0, 0)
        rows = event_rows(stored_events, position, max(self._clock(), recorded))
        sql.insert("events", rows)
        return [row[0] for row in rows]

    @contextmanager
    def asked(self) -> Iterator[SqliteTold]:
        """See `SelectingRecorder.asked`."""
        with self.datastore.transaction(commit=False) as cursor:
            yield SqliteTold(cursor)
