"""The writing side of an embedded store: the writer's turn as one SQLite transaction."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from eventsourcing.persistence import IntegrityError, PersistenceError, StoredEvent
from eventsourcing.sqlite import SQLiteCursor

from deedbook.domain.commands import Once
from deedbook.domain.errors import LostRace, StoreFailed, Undecodable
from deedbook.domain.events import Event
from deedbook.domain.keys import ApiKey
from deedbook.domain.output import OutputEnd
from deedbook.domain.session import Batch, Remembered
from deedbook.domain.store.codec import decode, encode
from deedbook.domain.store.sqlite.reading import KEYS, OUTPUT_END, key_of
from deedbook.domain.store.sqlite.recorder import LogRecorder
from deedbook.domain.store.writer import Head


class SqliteEngine:
    """An embedded store that commands are recorded in, through the library's recorder."""

    def __init__(self, recorder: LogRecorder) -> None:
        self._recorder = recorder

    @contextmanager
    def turn(self) -> Iterator["SqliteTurn"]:
        """See `Engine.turn`."""
        try:
            with self._recorder.datastore.transaction(commit=True) as cursor:
                yield SqliteTurn(self._recorder, cursor)
        except IntegrityError as error:
            raise LostRace from error
        except (PersistenceError, sqlite3.Error, OSError) as error:
            raise StoreFailed(
                f"The store can't be written now ({error}); see to its disk, and repeat with an Idempotency-Key."
            ) from error
        self._recorder.announce()


class SqliteTurn:
    """One open transaction: see `Turn`."""

    def __init__(self, recorder: LogRecorder, cursor: SQLiteCursor) -> None:
        self._recorder = recorder
        self._cursor = cursor
        row = self._one("SELECT position, recorded FROM events ORDER BY position DESC LIMIT 1")
        self.head = Head(*row) if row else Head(0, 0)

    def changed_since(self, position: int) -> Iterable[UUID]:
        """See `Turn.changed_since`."""
        rows = self._all("SELECT DISTINCT aggregate FROM events WHERE position > ?", (position,))
        return [UUID(bytes=aggregate) for (aggregate,) in rows]

    def events(self, aggregate: UUID) -> Sequence[Event]:
        """See `Past.events`."""
        rows = self._all(
            "SELECT position, topic, state FROM events WHERE aggregate = ? ORDER BY version", (aggregate.bytes,)
        )
        return [_decoded(*row) for row in rows]

    def output_end(self, action: UUID) -> OutputEnd:
        """See `Past.output_end`."""
        row = self._one(OUTPUT_END, (action.bytes,))
        return OutputEnd(*row) if row else OutputEnd()

    def remembered(self, once: Once) -> Remembered | None:
        """See `Past.remembered`."""
        row = self._one(
            "SELECT request, result, position FROM idempotency WHERE namespace = ? AND key = ?",
            (once.namespace, once.key),
        )
        return Remembered(*row) if row else None

    def api_key(self, key: UUID) -> ApiKey | None:
        """See `Past.api_key`."""
        row = self._one(f"{KEYS} WHERE id = ?", (key.bytes,))
        return key_of(row) if row else None

    def write(self, batch: Batch) -> None:
        """See `Turn.write`."""
        stored = [StoredEvent(new.aggregate, new.version, *encode(new.event)) for new in batch.events]
        self._recorder.insert_at(self._cursor, stored, self.head.position, batch.now)
        self._write_output(batch)
        self._many(
            "INSERT INTO idempotency VALUES (?, ?, ?, ?, ?)",
            [(*key, *remembered) for key, remembered in batch.answers.items()],
        )
        self._many("INSERT INTO api_keys VALUES (?, ?, ?, ?, ?, ?, ?)", [
            (key.id.bytes, key.user, key.namespace, str(key.role), key.secret_hash, key.created, key.revoked)
            for key in batch.issued
        ])  # fmt: skip
        self._many("UPDATE api_keys SET revoked = ? WHERE id = ?", [(batch.now, key.bytes) for key in batch.revoked])

    def _write_output(self, batch: Batch) -> None:
        if batch.lines:
            (last,) = self._one("SELECT coalesce(max(sequence), 0) FROM output")
            self._many("INSERT INTO output VALUES (?, ?, ?, ?, ?, ?)", [
                (sequence, line.action.bytes, line.line, line.timestamp, line.text, line.digest)
                for sequence, line in enumerate(batch.lines, last + 1)
            ])  # fmt: skip

    def _many(self, statement: str, rows: Sequence[Sequence[object]]) -> None:
        if rows:
            self._cursor.executemany(statement, rows)

    # Any: what SQLite returns has no type; each caller names the columns that it asked for.
    def _all(self, statement: str, parameters: Sequence[object] = ()) -> list[Any]:
        self._cursor.execute(statement, parameters)
        return list(self._cursor.fetchall())

    def _one(self, statement: str, parameters: Sequence[object] = ()) -> Any:  # noqa: ANN401  # as _all
        self._cursor.execute(statement, parameters)
        return self._cursor.fetchone()


def _decoded(position: int, topic: str, state: bytes) -> Event:
    try:
        return decode(topic, state)
    except ValueError as error:
        raise Undecodable(position, str(error)) from error
