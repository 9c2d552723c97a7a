"""A whole store as SQL reads it for an export, and as an import is written into it."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from deedbook.domain.keys import ApiKey
from deedbook.domain.log import Counts, NumberedLine, Stored
from deedbook.domain.store.archive import Entry, Kept
from deedbook.domain.store.sql.asking import Asked, Told
from deedbook.domain.store.sql.rows import (
    EVENTS,
    KEPT,
    KEYS,
    OUTPUT,
    REVOKE,
    counts,
    key_of,
    key_row,
    numbered_line,
    output_row,
)


def leaves(sql: Asked, through: int) -> Iterator[bytes]:
    """Return the leaves of the events up to a position, in order."""
    rows = sql.each("SELECT leaf FROM events WHERE position <= ? ORDER BY position", (through,))
    return (row[0] for row in rows)


class SqlSnapshot:
    """See `archive.Snapshot`."""

    def __init__(self, sql: Asked) -> None:
        self._sql = sql

    def counts(self) -> Counts:
        """See `Snapshot.counts`."""
        return counts(self._sql)

    def leaves(self, through: int) -> Iterator[bytes]:
        """See `Snapshot.leaves`."""
        return leaves(self._sql, through)

    def back_from(self, position: int) -> Iterator[Stored]:
        """See `Snapshot.back_from`."""
        rows = self._sql.each(f"{EVENTS} WHERE position <= ? ORDER BY position DESC", (position,))
        return (Stored(*row) for row in rows)

    def sequence(self, action: UUID, line: int) -> int:
        """See `Snapshot.sequence`."""
        rows = self._sql.all("SELECT sequence FROM output WHERE action = ? AND line = ?", (action.bytes, line))
        return int(rows[0][0]) if rows else 0

    def events(self, after: int) -> Iterator[Stored]:
        """See `Snapshot.events`."""
        rows = self._sql.each(f"{EVENTS} WHERE position > ? ORDER BY position", (after,))
        return (Stored(*row) for row in rows)

    def output(self, after: int) -> Iterator[NumberedLine]:
        """See `Snapshot.output`."""
        rows = self._sql.each(f"{OUTPUT} WHERE sequence > ? ORDER BY sequence", (after,))
        return (numbered_line(self._sql, row) for row in rows)

    def keys(self) -> Iterator[ApiKey]:
        """See `Snapshot.keys`."""
        return (key_of(self._sql, row) for row in self._sql.each(f"{KEYS} ORDER BY created, id"))

    def kept_since(self, position: int) -> int:
        """See `Snapshot.kept_since`."""
        return int(self._sql.all("SELECT count(*) FROM idempotency WHERE position >= ?", (position,))[0][0])

    def kept(self, position: int) -> Iterator[Kept]:
        """See `Snapshot.kept`."""
        rows = self._sql.each(f"{KEPT} WHERE position >= ? ORDER BY namespace, key", (position,))
        return (_kept(self._sql, row) for row in rows)


class _Table(NamedTuple):
    """Where one kind of entry is kept: how it is found, and made of a row; and a row of it."""

    name: str
    select: str
    place: tuple[str, ...]
    make: Callable[[Asked, Any], Entry]
    row: Callable[[Asked, Any], tuple[object, ...]]


def _kept(sql: Asked, row: Any) -> Kept:  # noqa: ANN401  # a row of a database
    namespace, key, *rest = row
    return Kept(sql.text(namespace), sql.text(key), *rest)


def _kept_row(sql: Asked, kept: Kept) -> tuple[object, ...]:
    return sql.storable(kept.namespace), sql.storable(kept.key), *kept[2:]


# Any: each function takes the one kind of entry that it stands under, which no type of a dict can say.
_TABLES: dict[type[Any], _Table] = {
    Stored: _Table("events", EVENTS, ("position",), lambda _, row: Stored(*row), lambda _, event: tuple(event)),
    NumberedLine: _Table("output", OUTPUT, ("sequence",), numbered_line, lambda sql, one: output_row(sql, *one)),
    ApiKey: _Table("api_keys", KEYS, ("id",), key_of, key_row),
    Kept: _Table("idempotency", KEPT, ("namespace", "key"), _kept, _kept_row),
}


class SqlIntake:
    """See `archive.Intake`; what the database refuses is the engine's to tell."""

    def __init__(self, sql: Told) -> None:
        self._sql = sql

    def counts(self) -> Counts:
        """See `Intake.counts`."""
        return counts(self._sql)

    def held(self, entry: Entry) -> Entry | None:
        """See `Intake.held`."""
        table = _TABLES[type(entry)]
        where = " AND ".join(f"{column} = ?" for column in table.place)
        rows = self._sql.all(f"{table.select} WHERE {where}", table.row(self._sql, entry)[: len(table.place)])
        return table.make(self._sql, rows[0]) if rows else None

    def leaves(self, through: int) -> Iterator[bytes]:
        """See `Intake.leaves`."""
        return leaves(self._sql, through)

    def digest(self, action: UUID, line: int) -> bytes:
        """See `Intake.digest`."""
        rows = self._sql.all("SELECT digest FROM output WHERE action = ? AND line = ?", (action.bytes, line))
        return bytes(rows[0][0]) if rows else b""

    def add(self, entry: Entry) -> None:
        """See `Intake.add`."""
        self.add_all([entry])

    def add_all(self, entries: Sequence[Entry]) -> None:
        """Add entries of one kind."""
        if entries:
            table = _TABLES[type(entries[0])]
            self._sql.insert(table.name, [table.row(self._sql, entry) for entry in entries])

    def revoke(self, key: ApiKey) -> None:
        """See `Intake.revoke`."""
        self._sql.change(REVOKE, [(key.revoked, key.id.bytes)])
