"""An embedded store as it was at one moment, for an export: one read transaction on a connection of its own."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from deedbook.domain.errors import StoreFailed
from deedbook.domain.keys import ApiKey
from deedbook.domain.log import Counts, NumberedLine, Stored
from deedbook.domain.output import OutputLine
from deedbook.domain.store.archive import Kept
from deedbook.domain.store.sqlite.reading import KEYS, key_of
from deedbook.domain.store.sqlite.schema import prepare

EVENTS = "SELECT position, aggregate, version, topic, recorded, state, leaf FROM events"
OUTPUT = "SELECT sequence, action, line, timestamp, text, digest FROM output"
KEPT = "SELECT namespace, key, request, result, position FROM idempotency"

_COUNTS = (
    "SELECT coalesce(max(position), 0) FROM events",
    "SELECT coalesce(max(sequence), 0) FROM output",
    "SELECT count(*) FROM api_keys",
    "SELECT count(*) FROM idempotency",
)


def counts(connection: sqlite3.Connection) -> Counts:
    """Return what a store holds."""
    return Counts(*(connection.execute(question).fetchone()[0] for question in _COUNTS))


def leaves(connection: sqlite3.Connection, through: int) -> Iterator[bytes]:
    """Return the leaves of the events up to a position, in order."""
    rows = connection.execute("SELECT leaf FROM events WHERE position <= ? ORDER BY position", (through,))
    return (row[0] for row in rows)


def numbered_line(row: tuple[Any, ...]) -> NumberedLine:
    """Return the line of output in a row of `OUTPUT`."""
    sequence, action, *rest = row
    return NumberedLine(sequence, OutputLine(UUID(bytes=action), *rest))


class SqliteSnapshot:
    """See `Snapshot`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def counts(self) -> Counts:
        """See `Snapshot.counts`."""
        return counts(self._connection)

    def leaves(self, through: int) -> Iterator[bytes]:
        """See `Snapshot.leaves`."""
        return leaves(self._connection, through)

    def back_from(self, position: int) -> Iterator[Stored]:
        """See `Snapshot.back_from`."""
        rows = self._connection.execute(f"{EVENTS} WHERE position <= ? ORDER BY position DESC", (position,))
        return (Stored(*row) for row in rows)

    def sequence(self, action: UUID, line: int) -> int:
        """See `Snapshot.sequence`."""
        statement = "SELECT sequence FROM output WHERE action = ? AND line = ?"
        row = self._connection.execute(statement, (action.bytes, line)).fetchone()
        return int(row[0]) if row else 0

    def events(self, after: int) -> Iterator[Stored]:
        """See `Snapshot.events`."""
        rows = self._connection.execute(f"{EVENTS} WHERE position > ? ORDER BY position", (after,))
        return (Stored(*row) for row in rows)

    def output(self, after: int) -> Iterator[NumberedLine]:
        """See `Snapshot.output`."""
        rows = self._connection.execute(f"{OUTPUT} WHERE sequence > ? ORDER BY sequence", (after,))
        return (numbered_line(row) for row in rows)

    def keys(self) -> Iterator[ApiKey]:
        """See `Snapshot.keys`."""
        return (key_of(row) for row in self._connection.execute(f"{KEYS} ORDER BY created, id"))

    def kept_since(self, position: int) -> int:
        """See `Snapshot.kept_since`."""
        statement = "SELECT count(*) FROM idempotency WHERE position >= ?"
        return int(self._connection.execute(statement, (position,)).fetchone()[0])

    def kept(self, position: int) -> Iterator[Kept]:
        """See `Snapshot.kept`."""
        rows = self._connection.execute(f"{KEPT} WHERE position >= ? ORDER BY namespace, key", (position,))
        return (Kept(*row) for row in rows)


@contextmanager
def snapshot(store: Path) -> Iterator[SqliteSnapshot]:
    """Give a store as it is now, and stays here, while others go on to record.

    SQLite's write-ahead log is not reset before this is left. Raises `StoreUnusable`, `StoreFailed`.
    """
    prepare(store)
    try:
        with closing(sqlite3.connect(store, isolation_level=None, timeout=10)) as connection:
            connection.execute("PRAGMA query_only = ON")
            connection.execute("BEGIN")
            # The transaction begins with what is read first.
            connection.execute("SELECT max(position) FROM events").fetchone()
            yield SqliteSnapshot(connection)
    except sqlite3.Error as error:
        raise StoreFailed(f"The log can't be read now ({error}); see to its disk and repeat.") from error
