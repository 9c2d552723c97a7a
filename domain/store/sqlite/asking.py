"""SQLite as it is asked and told, on a connection, or on the library's cursor in a transaction."""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

from eventsourcing.sqlite import SQLiteCursor


class SqliteAsked:
    """See `Told`, on a connection; whoever makes it opens the transaction, where there is to be one."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def all(self, statement: str, parameters: Sequence[object] = ()) -> list[Any]:
        """See `Asked.all`."""
        return list(self.each(statement, parameters))

    def each(self, statement: str, parameters: Sequence[object] = ()) -> Iterator[Any]:
        """See `Asked.each`."""
        return self._connection.execute(statement, parameters)

    def text(self, stored: Any) -> str:  # noqa: ANN401  # as it is asked
        """See `Asked.text`: SQLite's text takes any character."""
        return str(stored)

    def storable(self, text: str) -> object:
        """See `Asked.storable`."""
        return text

    def insert(self, table: str, rows: Sequence[Sequence[object]]) -> None:
        """See `Told.insert`."""
        if rows:
            self.change(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)

    def change(self, statement: str, rows: Sequence[Sequence[object]]) -> None:
        """See `Told.change`."""
        self._connection.executemany(statement, rows)


class SqliteTold(SqliteAsked):
    """The same on a cursor of the library, which tells its errors in the library's words."""

    def __init__(self, cursor: SQLiteCursor) -> None:
        self._cursor = cursor

    def each(self, statement: str, parameters: Sequence[object] = ()) -> Iterator[Any]:
        """See `Asked.each`."""
        self._cursor.execute(statement, parameters)
        return iter(self._cursor.fetchall())

    def change(self, statement: str, rows: Sequence[Sequence[object]]) -> None:
        """See `Told.change`."""
        if rows:
            self._cursor.executemany(statement, rows)
