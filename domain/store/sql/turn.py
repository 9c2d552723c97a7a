"""The writer's turn in a store that SQL can write: one open transaction."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from msgspec.structs import replace

from deedbook.domain.commands import Once
from deedbook.domain.events import Event
from deedbook.domain.keys import ApiKey
from deedbook.domain.output import OutputEnd
from deedbook.domain.session import Batch, Remembered
from deedbook.domain.store.codec import encode
from deedbook.domain.store.decoding import decoded
from deedbook.domain.store.sql.asking import Told
from deedbook.domain.store.sql.rows import (
    HEAD,
    KEYS,
    LAST_SEQUENCE,
    OUTPUT_END,
    REVOKE,
    USE,
    USES,
    event_row,
    key_of,
    key_row,
    output_row,
)
from deedbook.domain.store.writer import Head

#: At the most so many aggregates are asked for in one statement; databases take some ten thousand values.
_AT_ONCE = 1000


class SqlTurn:
    """One open transaction: see `Turn`."""

    def __init__(self, sql: Told, head: Head | None = None) -> None:
        """`head` is what was read in this transaction already, if it was."""
        self._sql = sql
        self.head = head_of(sql) if head is None else head

    def changed_since(self, position: int) -> Iterable[UUID]:
        """See `Turn.changed_since`."""
        rows = self._sql.all("SELECT DISTINCT aggregate FROM events WHERE position > ?", (position,))
        return [UUID(bytes=aggregate) for (aggregate,) in rows]

    def events(self, aggregate: UUID, after: int = 0) -> Sequence[Event]:
        """See `Past.events`."""
        rows = self._sql.all(
            "SELECT position, topic, state FROM events WHERE aggregate = ? AND version > ? ORDER BY version",
            (aggregate.bytes, after),
        )
        return [decoded(*row) for row in rows]

    def begun(self, aggregates: Sequence[UUID]) -> Iterable[UUID]:
        """See `Past.begun`."""
        for at in range(0, len(aggregates), _AT_ONCE):
            asked = [aggregate.bytes for aggregate in aggregates[at : at + _AT_ONCE]]
            marks = ", ".join("?" * len(asked))
            found = self._sql.all(f"SELECT aggregate FROM events WHERE version = 1 AND aggregate IN ({marks})", asked)
            yield from (UUID(bytes=aggregate) for (aggregate,) in found)

    def output_end(self, action: UUID) -> OutputEnd:
        """See `Past.output_end`."""
        rows = self._sql.all(OUTPUT_END, (action.bytes,))
        return OutputEnd(*rows[0]) if rows else OutputEnd()

    def remembered(self, once: Once) -> Remembered | None:
        """See `Past.remembered`."""
        rows = self._sql.all(
            "SELECT request, result, position FROM idempotency WHERE namespace = ? AND key = ?",
            (self._sql.storable(once.namespace), self._sql.storable(once.key)),
        )
        return Remembered(*rows[0]) if rows else None

    def api_key(self, key: UUID) -> ApiKey | None:
        """See `Past.api_key`."""
        rows = self._sql.all(f"{KEYS} WHERE id = ?", (key.bytes,))
        if not rows:
            return None
        uses = self._sql.all(f"{USES} WHERE key = ?", (key.bytes,))
        return replace(key_of(self._sql, rows[0]), last_used=uses[0][1] if uses else None)

    def write(self, batch: Batch) -> None:
        """See `Turn.write`."""
        self._sql.insert("events", [
            event_row(position, new.aggregate.bytes, new.version, batch.now, *encode(new.event))
            for position, new in enumerate(batch.events, self.head.position + 1)
        ])  # fmt: skip
        if batch.lines:
            ((last,),) = self._sql.all(LAST_SEQUENCE)
            lines = enumerate(batch.lines, last + 1)
            self._sql.insert("output", [output_row(self._sql, sequence, line) for sequence, line in lines])
        self._sql.insert("idempotency", [
            (*map(self._sql.storable, key), *remembered) for key, remembered in batch.answers.items()
        ])  # fmt: skip
        self._sql.insert("api_keys", [key_row(self._sql, key) for key in batch.issued])
        self._sql.change(REVOKE, [(batch.now, key.bytes) for key in batch.revoked])
        self._sql.change(USE, [(key.bytes, at) for key, at in batch.used.items()])


def head_of(sql: Told) -> Head:
    """Return the last event of the log."""
    rows = sql.all(HEAD)
    return Head(*rows[0]) if rows else Head(0, 0)
