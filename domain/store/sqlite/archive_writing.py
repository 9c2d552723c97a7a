"""An embedded store that an export is read into: one transaction, or a new file, of which all is seen or nothing."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from deedbook.domain.errors import StoreFailed
from deedbook.domain.keys import ApiKey
from deedbook.domain.log import Counts, NumberedLine, Stored
from deedbook.domain.store.archive import Entry, Kept, NotWhole
from deedbook.domain.store.placing import new_file
from deedbook.domain.store.sqlite.archive_reading import EVENTS, KEPT, OUTPUT, counts, leaves, numbered_line
from deedbook.domain.store.sqlite.reading import KEYS, key_of
from deedbook.domain.store.sqlite.schema import prepare
from deedbook.domain.store.sqlite.turn_lock import turn_lock


class _Table:
    """Where one kind of entry is kept: how it is found, made of a row, and inserted."""

    def __init__(self, select: str, place: str, insert: str, make: Callable[[tuple[Any, ...]], Entry]) -> None:
        self.select = f"{select} WHERE {place}"
        self.insert = insert
        self.make = make


# Any: each function takes the one kind of entry that it stands under, which no type of a dict can say.
_TABLES: dict[type[Any], _Table] = {
    Stored: _Table(EVENTS, "position = ?", "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)", lambda row: Stored(*row)),
    NumberedLine: _Table(OUTPUT, "sequence = ?", "INSERT INTO output VALUES (?, ?, ?, ?, ?, ?)", numbered_line),
    ApiKey: _Table(KEYS, "id = ?", "INSERT INTO api_keys VALUES (?, ?, ?, ?, ?, ?, ?)", key_of),
    Kept: _Table(
        KEPT, "namespace = ? AND key = ?", "INSERT INTO idempotency VALUES (?, ?, ?, ?, ?)", lambda row: Kept(*row)
    ),
}


def _row(entry: Entry) -> tuple[object, ...]:
    match entry:
        case NumberedLine(sequence, line):
            return sequence, line.action.bytes, *line[1:]
        case ApiKey():
            return (
                entry.id.bytes,
                entry.user,
                entry.namespace,
                str(entry.role),
                entry.secret_hash,
                entry.created,
                entry.revoked,
            )
    return tuple(entry)


def _place(entry: Entry) -> tuple[object, ...]:
    return _row(entry)[: 2 if isinstance(entry, Kept) else 1]


class SqliteIntake:
    """See `Intake`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def counts(self) -> Counts:
        """See `Intake.counts`."""
        return counts(self._connection)

    def held(self, entry: Entry) -> Entry | None:
        """See `Intake.held`."""
        table = _TABLES[type(entry)]
        row = self._connection.execute(table.select, _place(entry)).fetchone()
        return table.make(row) if row else None

    def leaves(self, through: int) -> Iterator[bytes]:
        """See `Intake.leaves`."""
        return leaves(self._connection, through)

    def digest(self, action: UUID, line: int) -> bytes:
        """See `Intake.digest`."""
        statement = "SELECT digest FROM output WHERE action = ? AND line = ?"
        row = self._connection.execute(statement, (action.bytes, line)).fetchone()
        return bytes(row[0]) if row else b""

    def add(self, entry: Entry) -> None:
        """See `Intake.add`."""
        try:
            self._connection.execute(_TABLES[type(entry)].insert, _row(entry))
        except sqlite3.IntegrityError as error:
            raise NotWhole(f"The store does not take it ({error}).") from error

    def revoke(self, key: ApiKey) -> None:
        """See `Intake.revoke`."""
        self._connection.execute("UPDATE api_keys SET revoked = ? WHERE id = ?", (key.revoked, key.id.bytes))


@contextmanager
def intake(store: Path) -> Iterator[SqliteIntake]:
    """Give a store to read exports into, making it where there is none; durable on return, and undone by an error.

    Meanwhile others read it as it was, and wait to record. Raises `StoreUnusable`, `StoreFailed`, and `FileTaken` where
    somebody else made the store meanwhile.
    """
    if os.path.lexists(store):
        prepare(store)
        with _transaction(store) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield SqliteIntake(connection)
            connection.execute("COMMIT")
        return
    store.parent.mkdir(parents=True, exist_ok=True)
    with new_file(store) as fresh:
        prepare(fresh)
        with _transaction(fresh) as connection:
            # Nobody sees the file before it is whole, and one that is not is thrown away.
            connection.execute("PRAGMA journal_mode = OFF")
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("BEGIN")
            yield SqliteIntake(connection)
            connection.execute("COMMIT")
            connection.execute("PRAGMA journal_mode = WAL")


@contextmanager
def _transaction(store: Path) -> Iterator[sqlite3.Connection]:
    """Give a connection while it is our turn to write; closing it undoes what was not committed."""
    try:
        with (
            closing(turn_lock(store)) as lock,
            lock.held(),
            closing(sqlite3.connect(store, isolation_level=None, timeout=10)) as connection,
        ):
            connection.execute("PRAGMA synchronous = FULL")
            yield connection
    except sqlite3.Error as error:
        raise StoreFailed(f"The store can't be written now ({error}); see to its disk and repeat.") from error
