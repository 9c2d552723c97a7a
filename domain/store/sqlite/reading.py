"""The reading side of an embedded store: `EventLog` on connections that can't write, one for each thread."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from deedbook.domain.errors import StoreFailed, Undecodable
from deedbook.domain.keys import ApiKey, Role
from deedbook.domain.log import Happened, NumberedLine, Stored
from deedbook.domain.output import OutputEnd, OutputLine
from deedbook.domain.store.codec import decode
from deedbook.domain.store.sqlite.recorder import POLL_SECONDS

KEYS = "SELECT id, user, namespace, role, secret_hash, created, revoked FROM api_keys"
OUTPUT_END = "SELECT line, digest FROM output WHERE action = ? ORDER BY line DESC LIMIT 1"
_EVENTS = "SELECT position, aggregate, version, recorded, topic, state, leaf FROM events"


class _Opened:
    """A thread's connection: closed when the thread ends, or lets go of it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def __del__(self) -> None:
        self.connection.close()


class SqliteLog:
    """Reads events, output and keys; sees what any process committed."""

    def __init__(self, path: Path, recorded: threading.Condition | None = None) -> None:
        """`recorded` is told what this process records."""
        self._path = path
        self._recorded = recorded or threading.Condition()
        self._mine = threading.local()
        self._watcher = self._connect()
        self._watching = threading.Lock()

    def elsewhere(self) -> Callable[[], "SqliteLog"]:
        """See `EventLog.elsewhere`."""
        return partial(SqliteLog, self._path)

    def head(self) -> int:
        """See `EventLog.head`."""
        return int(self._one("SELECT coalesce(max(position), 0) FROM events")[0])

    def recorded(self, position: int) -> int | None:
        """See `EventLog.recorded`."""
        rows = self._all("SELECT recorded FROM events WHERE position = ?", (position,))
        return int(rows[0][0]) if rows else None

    def read(self, after: int, limit: int) -> Sequence[Happened]:
        """See `EventLog.read`."""
        rows = self._all(f"{_EVENTS} WHERE position > ? ORDER BY position LIMIT ?", (after, limit))
        return _decoded(rows)

    def stored(self, after: int, limit: int) -> Sequence[Stored]:
        """See `EventLog.stored`."""
        rows = self._all(
            "SELECT position, aggregate, version, topic, recorded, state, leaf FROM events"
            " WHERE position > ? ORDER BY position LIMIT ?",
            (after, limit),
        )
        return [Stored(*row) for row in rows]

    def history(self, aggregate: UUID, limit: int = -1) -> Sequence[Happened]:
        """See `EventLog.history`."""
        rows = self._all(f"{_EVENTS} WHERE aggregate = ? ORDER BY version LIMIT ?", (aggregate.bytes, limit))
        return [_happened(row) for row in rows]

    def wait(self, after: int, timeout: float) -> bool:
        """See `EventLog.wait`."""
        deadline = time.monotonic() + timeout
        while self.head() <= after:
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            with self._recorded:
                self._recorded.wait(min(left, POLL_SECONDS))
        return True

    def output_end(self, action: UUID) -> OutputEnd:
        """See `EventLog.output_end`."""
        rows = self._all(OUTPUT_END, (action.bytes,))
        return OutputEnd(*rows[0]) if rows else OutputEnd()

    def output(self, action: UUID, after: int, limit: int) -> Sequence[OutputLine]:
        """See `EventLog.output`."""
        rows = self._all(
            "SELECT line, timestamp, text, digest FROM output WHERE action = ? AND line > ? ORDER BY line LIMIT ?",
            (action.bytes, after, limit),
        )
        return [OutputLine(action, *row) for row in rows]

    def output_head(self) -> int:
        """See `EventLog.output_head`."""
        return int(self._one("SELECT coalesce(max(sequence), 0) FROM output")[0])

    def new_output(self, after: int, limit: int) -> Sequence[NumberedLine]:
        """See `EventLog.new_output`."""
        rows = self._all(
            "SELECT sequence, action, line, timestamp, text, digest FROM output"
            " WHERE sequence > ? ORDER BY sequence LIMIT ?",
            (after, limit),
        )
        return [NumberedLine(row[0], OutputLine(UUID(bytes=row[1]), *row[2:])) for row in rows]

    def api_keys(self) -> Sequence[ApiKey]:
        """See `EventLog.api_keys`."""
        return [key_of(row) for row in self._all(f"{KEYS} ORDER BY created, id")]

    def changes(self) -> int:
        """See `EventLog.changes`: SQLite's data_version, which costs about 3 µs."""
        with self._watching, _errors_told():
            return int(self._watcher.execute("PRAGMA data_version").fetchone()[0])

    def close(self) -> None:
        """Close this thread's connection and the shared one; the others close with their threads."""
        with self._watching:
            self._watcher.close()
        self._mine.__dict__.clear()

    # Any: what SQLite returns has no type; each caller names the columns that it asked for.
    def _all(self, statement: str, parameters: Sequence[object] = ()) -> list[Any]:
        with _errors_told():
            mine = getattr(self._mine, "opened", None)
            if mine is None:
                mine = self._mine.opened = _Opened(self._connect())
            return list(mine.connection.execute(statement, parameters))

    def _one(self, statement: str) -> Any:  # noqa: ANN401  # as _all
        return self._all(statement)[0]

    def _connect(self) -> sqlite3.Connection:
        # Autocommit: a statement sees the newest commit, and holds up no checkpoint when it is done.
        connection = sqlite3.connect(self._path, isolation_level=None, timeout=10, check_same_thread=False)
        connection.execute("PRAGMA query_only = ON")
        return connection


def key_of(row: Sequence[Any]) -> ApiKey:
    """Return the API key in a row of `KEYS`."""
    return ApiKey(UUID(bytes=row[0]), row[1], row[2], Role(row[3]), row[4], row[5], row[6])


@contextmanager
def _errors_told() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StoreFailed(f"The log can't be read now ({error}); see to its disk and repeat.") from error


def _decoded(rows: Sequence[Any]) -> list[Happened]:
    """Return events up to the first that can't be read; raise where that is the first of all."""
    # msgspec makes UUIDs in a quarter of the time that UUID() takes.
    aggregates = msgspec.convert([row[1] for row in rows], list[UUID])
    try:
        return [
            Happened(position, aggregate, version, recorded, decode(topic, state), leaf)
            for aggregate, (position, _, version, recorded, topic, state, leaf) in zip(aggregates, rows, strict=True)
        ]
    except ValueError:
        return _up_to_the_first_unreadable(rows)


def _up_to_the_first_unreadable(rows: Sequence[Any]) -> list[Happened]:
    found: list[Happened] = []
    for row in rows:
        try:
            found.append(_happened(row))
        except Undecodable:
            if not found:
                raise
            break
    return found


def _happened(row: Sequence[Any]) -> Happened:
    position, aggregate, version, recorded, topic, state, leaf = row
    try:
        event = decode(topic, state)
    except ValueError as error:
        raise Undecodable(position, str(error)) from error
    return Happened(position, UUID(bytes=aggregate), version, recorded, event, leaf)
