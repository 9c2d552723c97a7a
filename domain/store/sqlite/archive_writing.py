"""An embedded store that an export is read into: one transaction, or a new file, of which all is seen or nothing."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from deedbook.domain.errors import StoreFailed
from deedbook.domain.store.archive import Entry, NotWhole
from deedbook.domain.store.placing import new_file
from deedbook.domain.store.sql.archive import SqlIntake
from deedbook.domain.store.sqlite.asking import SqliteAsked
from deedbook.domain.store.sqlite.schema import prepare
from deedbook.domain.store.sqlite.turn_lock import turn_lock


class SqliteIntake(SqlIntake):
    """See `Intake`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(SqliteAsked(connection))

    def add(self, entry: Entry) -> None:
        """See `Intake.add`."""
        try:
            super().add(entry)
        except sqlite3.IntegrityError as error:
            raise NotWhole(f"The store does not take it ({error}).") from error


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
