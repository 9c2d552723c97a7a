"""The writing side of an embedded store: the writer's turn as one SQLite transaction."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from deedbook.domain.errors import LostRace, StoreFailed
from deedbook.domain.store.sql.turn import SqlTurn
from deedbook.domain.store.sqlite.asking import SqliteAsked
from deedbook.domain.store.sqlite.recorder import LogRecorder


class SqliteEngine:
    """An embedded store that commands are recorded in, beside what the library's applications record."""

    def __init__(self, recorder: LogRecorder) -> None:
        self._recorder = recorder

    @contextmanager
    def turn(self) -> Iterator[SqlTurn]:
        """See `Engine.turn`."""
        try:
            with self._recorder.datastore.turn() as connection:
                yield SqlTurn(SqliteAsked(connection))
        except sqlite3.IntegrityError as error:
            raise LostRace from error
        except (sqlite3.Error, OSError) as error:
            raise StoreFailed(
                f"The store can't be written now ({error}); see to its disk, and repeat with an Idempotency-Key."
            ) from error
        self._recorder.announce()
