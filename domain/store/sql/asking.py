"""How a database is asked and told: SQL that every engine speaks, with `?` for each value."""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol


class Asked(Protocol):
    """A database that can be asked."""

    # Any: what a database returns has no type; whoever asks names the columns.
    def all(self, statement: str, parameters: Sequence[object] = ()) -> list[Any]:
        """Return every row, at once."""

    def each(self, statement: str, parameters: Sequence[object] = ()) -> Iterator[Any]:
        """Return the rows one after the other, in constant memory."""

    def text(self, stored: Any) -> str:  # noqa: ANN401  # as above
        """Return text that may hold any character, as it was before it was stored."""

    def storable(self, text: str) -> object:
        """Return text that may hold any character as it is stored."""


class Told(Asked, Protocol):
    """A database in a transaction that may write."""

    def insert(self, table: str, rows: Sequence[Sequence[object]]) -> None:
        """Insert rows, each with a value for every column of the table, in its order."""

    def change(self, statement: str, rows: Sequence[Sequence[object]]) -> None:
        """Run a statement once for each row of values."""
