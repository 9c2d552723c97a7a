"""The writing side of an embedded store: the writer's turn as one SQLite transaction."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from deedbook.domain.errors import LostRace, StoreFailed
from deedbook.domain.store.sql.turn import SqlTurn
from deedbook.domain.store.sqlite.asking import SqliteAsked
from deedbook.domain.store.sqlite.recorder import LogRecorder


class _Told(SqliteAsked):
    """Tells SQLite what to write in a transaction that is open, and nothing where it has ended by itself.

    Where a page can't be read, or there is no memory, SQLite may undo the transaction ("Response To Errors Within A
    Transaction", lang_transaction.html); what is written behind that would be durable row by row.
    """

    def change(self, statement: str, rows: Sequence[Sequence[object]]) -> None:
        """See `Told.change`; raises sqlite3.OperationalError where the transaction has ended."""
        if not self._connection.in_transaction:
            raise sqlite3.OperationalError("reading failed, and SQLite undid the transaction")
        super().change(statement, rows)


class SqliteEngine:
    """An embedded store that commands are recorded in, beside what the library's applications record."""

    def __init__(self, recorder: LogRecorder) -> None:
        self._recorder = recorder

    @contextmanager
    def turn(self) -> Iterator[SqlTurn]:
        """See `Engine.turn`."""
        try:
            with self._recorder.datastore.turn() as connection:
                yield SqlTurn(_Told(connection))
        except sqlite3.IntegrityError as error:
            raise LostRace from error
        except (sqlite3.Error, OSError) as error:
            raise StoreFailed(
                f"The store can't be written now ({error}); see to its disk, and repeat with an Idempotency-Key."
            ) from error
        self._recorder.announce()
