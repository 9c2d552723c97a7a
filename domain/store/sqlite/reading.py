"""The reading side of an embedded store: `EventLog` on connections that can't write, one for each thread."""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from deedbook.domain.errors import StoreFailed
from deedbook.domain.store.sql.log import SqlLog
from deedbook.domain.store.sqlite.asking import SqliteAsked


class _Opened:
    """A thread's connection: closed when the thread ends, or lets go of it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def __del__(self) -> None:
        self.connection.close()


class _Reader(SqliteAsked):
    """Asks each thread's own connection."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._mine = threading.local()

    def each(self, statement: str, parameters: Sequence[object] = ()) -> Iterator[Any]:
        """See `Asked.each`; raises `StoreFailed`."""
        try:
            yield from self._connection_of_mine().execute(statement, parameters)
        except sqlite3.Error as error:
            raise _told(error) from error

    def all(self, statement: str, parameters: Sequence[object] = ()) -> list[Any]:
        """See `Asked.all`; raises `StoreFailed`."""
        try:
            return self._connection_of_mine().execute(statement, parameters).fetchall()
        except sqlite3.Error as error:
            raise _told(error) from error

    def _connection_of_mine(self) -> sqlite3.Connection:
        mine: _Opened | None = getattr(self._mine, "opened", None)
        if mine is None:
            mine = self._mine.opened = _Opened(self.connect())
        return mine.connection

    def connect(self) -> sqlite3.Connection:
        """Return a new connection that only reads."""
        # Autocommit: a statement sees the newest commit, and holds up no checkpoint when it is done.
        connection = sqlite3.connect(self._path, isolation_level=None, timeout=10, check_same_thread=False)
        connection.execute("PRAGMA query_only = ON")
        return connection

    def let_go(self) -> None:
        """Close this thread's connection; the others close with their threads."""
        self._mine.__dict__.clear()


class SqliteLog(SqlLog):
    """Reads events, output and keys; sees what any process committed."""

    def __init__(self, path: Path, recorded: threading.Condition | None = None) -> None:
        """`recorded` is told what this process records."""
        self._path = path
        self._reader = _Reader(path)
        super().__init__(self._reader, recorded or threading.Condition())
        self._watcher = self._reader.connect()
        self._watching = threading.Lock()

    def elsewhere(self) -> Callable[[], "SqliteLog"]:
        """See `EventLog.elsewhere`."""
        return partial(SqliteLog, self._path)

    def changes(self) -> int:
        """See `EventLog.changes`: SQLite's data_version, which costs about 3 µs."""
        with self._watching:
            try:
                return int(self._watcher.execute("PRAGMA data_version").fetchone()[0])
            except sqlite3.Error as error:
                raise _told(error) from error

    def close(self) -> None:
        """Close this thread's connection and the shared one; the others close with their threads."""
        with self._watching:
            self._watcher.close()
        self._reader.let_go()


def _told(error: sqlite3.Error) -> StoreFailed:
    return StoreFailed(f"The log can't be read now ({error}); see to its disk and repeat.")
