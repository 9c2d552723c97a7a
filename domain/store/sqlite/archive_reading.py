"""An embedded store as it was at one moment, for an export: one read transaction on a connection of its own."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from deedbook.domain.errors import StoreFailed
from deedbook.domain.store.sql.archive import SqlSnapshot
from deedbook.domain.store.sqlite.asking import SqliteAsked
from deedbook.domain.store.sqlite.schema import prepare


@contextmanager
def snapshot(store: Path) -> Iterator[SqlSnapshot]:
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
            yield SqlSnapshot(SqliteAsked(connection))
    except sqlite3.Error as error:
        raise StoreFailed(f"The log can't be read now ({error}); see to its disk and repeat.") from error
