"""PostgreSQL as it is asked and told, on one connection."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import count
from typing import Any

import psycopg
from psycopg.rows import TupleRow

#: Rows fetched at once where there may be too many for memory.
_PAGE = 2000

#: The types of the columns, for rows that come as one array for each column.
_TYPES = {
    "events": ("bigint", "bytea", "bigint", "text", "bigint", "bytea", "bytea"),
    "output": ("bigint", "bytea", "bigint", "bigint", "bytea", "bytea"),
    "idempotency": ("bytea", "bytea", "bytea", "bytea", "bigint"),
    "api_keys": ("bytea", "bytea", "text", "text", "bytea", "bigint", "bigint"),
}

_INSERT = {
    table: f"INSERT INTO {table} SELECT * FROM unnest({', '.join(f'%s::{kind}[]' for kind in kinds)})"
    for table, kinds in _TYPES.items()
}

#: Names of cursors on the server, of which a connection may have several at a time.
_NUMBERS = count()


class PostgresText:
    """Text that may hold any character is kept as its UTF-8 bytes: PostgreSQL's own text takes no NUL."""

    def text(self, stored: Any) -> str:  # noqa: ANN401  # as it is asked
        """See `Asked.text`."""
        return bytes(stored).decode()

    def storable(self, text: str) -> object:
        """See `Asked.storable`; raises UnicodeEncodeError where text can't be one."""
        return text.encode()


class PostgresTold(PostgresText):
    """See `Told`; whoever makes it opens the transaction. Raises psycopg.Error."""

    def __init__(self, connection: psycopg.Connection[TupleRow]) -> None:
        self._connection = connection

    def all(self, statement: str, parameters: Sequence[object] = ()) -> list[Any]:
        """See `Asked.all`."""
        with self._connection.cursor(binary=True) as cursor:
            return cursor.execute(spelt(statement), parameters).fetchall()

    def each(self, statement: str, parameters: Sequence[object] = ()) -> Iterator[Any]:
        """See `Asked.each`: a cursor on the server."""
        with self._connection.cursor(f"each_{next(_NUMBERS)}") as cursor:
            cursor.itersize = _PAGE
            cursor.execute(spelt(statement), parameters, binary=True)
            yield from cursor

    def insert(self, table: str, rows: Sequence[Sequence[object]]) -> None:
        """See `Told.insert`: all rows in one statement."""
        if rows:
            self._connection.execute(_INSERT[table].encode(), [list(column) for column in zip(*rows, strict=True)])

    def change(self, statement: str, rows: Sequence[Sequence[object]]) -> None:
        """See `Told.change`."""
        for row in rows:
            self._connection.execute(spelt(statement), row)


@lru_cache(256)
def spelt(statement: str) -> bytes:
    """Return a statement with its `?` as psycopg spells them."""
    return statement.replace("?", "%s").encode()
