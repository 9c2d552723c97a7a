"""Exports and imports in this process, without the command line, and what a store then holds."""

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path

from deedbook.domain.store.archive_export import export
from deedbook.domain.store.archive_file import written_to
from deedbook.domain.store.archive_import import Taken, take_in
from deedbook.domain.store.sqlite.archive_reading import snapshot
from deedbook.domain.store.sqlite.archive_writing import intake
from deedbook.domain.store.sqlite.schema import prepare
from tests.support.tables import rows


def exported(store: Path, place: Path, after: int = 0) -> Path:
    """Export a store to a new file."""
    with snapshot(store) as seen, written_to(place) as out:
        export(seen, after, "0.1.0", out, lambda _done, _of: None)
    return place


def imported(store: Path, *files: Path) -> list[Taken]:
    """Import files into a store, all or none."""
    with intake(store) as taking:
        return [take_in(taking, path) for path in files]


def held(store: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return all that a store holds, table by table."""
    with closing(sqlite3.connect(store)) as connection:
        return rows(connection)


@cache
def _schema() -> list[str]:
    """Return the statements that make a store."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "log.db")
        prepare(path)
        with closing(sqlite3.connect(path)) as connection:
            rows = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid")
            return [sql for (sql,) in rows]


@contextmanager
def in_memory() -> Iterator[sqlite3.Connection]:
    """Give an empty store that is kept nowhere, in a transaction: for what is done to thousands of them."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        for statement in _schema():
            connection.execute(statement)
        connection.execute("BEGIN")
        yield connection
