"""A whole embedded store at one moment, for `verify`: one read transaction, on a connection that changes nothing."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from deedbook.domain.errors import StoreFailed, StoreUnusable, Undecodable
from deedbook.domain.finding import Finding
from deedbook.domain.log import Happened, Stored
from deedbook.domain.store.codec import decode
from deedbook.domain.store.sqlite.read_only import ReadOnly
from deedbook.domain.store.sqlite.schema import STATEMENTS, refuse_foreign
from deedbook.domain.store.verify.snapshot import StoredAnswer, StoredKey, StoredLine

_STORED = "SELECT position, aggregate, version, topic, recorded, state, leaf FROM events"
_LINES = "SELECT action, line, timestamp, text, digest FROM output ORDER BY action, line"

#: Of a database that is broken all over, so many faults are told.
_FAULTS = 100

#: The code of a finding about something of this type in `sqlite_master`.
_CODES = {"trigger": "trigger", "table": "schema", "index": "schema"}


class SqliteSnapshot:
    """See `Snapshot`."""

    def __init__(self, path: Path) -> None:
        """Open the store in a file that is there; raises `StoreUnusable` where it is none, or of a newer version."""
        if not path.is_file():
            raise StoreUnusable(f"{path} is no file; name the log.db of a store.")
        try:
            self._file = ReadOnly(path)
            self._db = self._file.db
            application, version = (self._db.execute(f"PRAGMA {name}").fetchone()[0] for name in _HEADER)
        except (sqlite3.Error, OSError) as error:
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_NOTADB:
                raise StoreUnusable(f"{path} is no Deedbook store ({error}); name another file.") from error
            raise StoreUnusable(f"The store {path} can't be read ({error}); see to its permissions.") from error
        refuse_foreign(path, application, version)

    def is_true(self) -> bool:
        """See `ReadOnly.is_true`."""
        return self._file.is_true()

    def head(self) -> int:
        """See `Snapshot.head`."""
        return int(self._all("SELECT coalesce(max(position), 0) FROM events")[0][0])

    def recorded(self, position: int) -> int | None:
        """See `Snapshot.recorded`."""
        rows = self._all("SELECT recorded FROM events WHERE position = ?", (position,))
        return int(rows[0][0]) if rows else None

    def read(self, after: int, limit: int) -> Sequence[Happened]:
        """See `Snapshot.read`."""
        found: list[Happened] = []
        for event in self.stored(after, limit):
            try:
                found.append(_happened(event))
            except ValueError as error:
                if not found:
                    raise Undecodable(event.position, str(error)) from error
                break
        return found

    def stored(self, after: int, limit: int) -> Sequence[Stored]:
        """See `Snapshot.stored`."""
        rows = self._all(f"{_STORED} WHERE position > ? ORDER BY position LIMIT ?", (after, limit))
        return [Stored(*row) for row in rows]

    def history(self, aggregate: bytes) -> Sequence[Stored]:
        """See `Snapshot.history`."""
        return [Stored(*row) for row in self._all(f"{_STORED} WHERE aggregate = ? ORDER BY version", (aggregate,))]

    def line_count(self) -> int:
        """See `Snapshot.line_count`."""
        return int(self._all("SELECT count(*) FROM output")[0][0])

    def lines(self) -> Iterator[StoredLine]:
        """See `Snapshot.lines`."""
        return (StoredLine(*row) for row in self._each(_LINES))

    def missing_sequences(self) -> Iterator[tuple[int, int]]:
        """See `Snapshot.missing_sequences`."""
        count, last = self._all("SELECT count(*), coalesce(max(sequence), 0) FROM output WHERE sequence > 0")[0]
        if count != last:
            yield from self._each(
                "SELECT before + 1, sequence - 1 FROM"
                " (SELECT sequence, lag(sequence, 1, 0) OVER (ORDER BY sequence) AS before FROM output)"
                " WHERE sequence > before + 1"
            )

    def answers(self) -> Iterator[StoredAnswer]:
        """See `Snapshot.answers`."""
        rows = self._each("SELECT namespace, key, request, result, position FROM idempotency ORDER BY namespace, key")
        return (StoredAnswer(*row) for row in rows)

    def api_keys(self) -> Iterator[StoredKey]:
        """See `Snapshot.api_keys`."""
        rows = self._each("SELECT id, user, namespace, role, secret_hash, created, revoked FROM api_keys")
        return (StoredKey(*row) for row in rows)

    def faults(self) -> Iterator[Finding]:
        """See `Snapshot.faults`."""
        with closing(sqlite3.connect(":memory:")) as fresh:
            for statement in STATEMENTS:
                fresh.execute(statement)
            must = _made(fresh.execute)
        there = _made(self._each)
        for name, (kind, statement) in must.items():
            if name not in there:
                yield Finding(None, _CODES[kind], f"the {kind} {name} is missing")
            elif there[name] != (kind, statement):
                yield Finding(None, _CODES[kind], f"the {kind} {name} is not as Deedbook made it")
        for name, (kind, _) in there.items():
            if kind == "trigger" and name not in must:
                yield Finding(None, "trigger", f"the trigger {name} is none of Deedbook's")
        for (fault,) in self._each(f"PRAGMA integrity_check({_FAULTS})"):
            if fault != "ok":
                yield Finding(None, "file", f"SQLite finds its file broken: {fault}")

    def close(self) -> None:
        """End the transaction."""
        self._file.close()

    # Any: what SQLite returns has no type; each caller names the columns that it asked for.
    def _all(self, statement: str, parameters: Sequence[object] = ()) -> list[Any]:
        with _errors_told():
            return list(self._db.execute(statement, parameters))

    def _each(self, statement: str) -> Iterator[Any]:
        with _errors_told():
            yield from self._db.execute(statement)


def _happened(event: Stored) -> Happened:
    aggregate = UUID(bytes=event.aggregate)
    return Happened(
        event.position, aggregate, event.version, event.recorded, decode(event.topic, event.state), event.leaf
    )


@contextmanager
def _errors_told() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StoreFailed(f"The store can't be read any further ({error}).") from error


_HEADER = ("application_id", "user_version")


# Any: as above.
def _made(ask: Any) -> dict[str, tuple[str, str]]:  # noqa: ANN401
    """Return what a database is made of, by name; what SQLite makes by itself has no statement."""
    rows = ask("SELECT name, type, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")
    return {name: (kind, statement) for name, kind, statement in rows}
