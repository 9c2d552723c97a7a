"""The writing side of an embedded store: the writer's turn as one SQLite transaction."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from eventsourcing.persistence import IntegrityError, PersistenceError

from deedbook.domain.errors import LostRace, StoreFailed
from deedbook.domain.store.sql.turn import SqlTurn
from deedbook.domain.store.sqlite.asking import SqliteTold
from deedbook.domain.store.sqlite.recorder import LogRecorder


class SqliteEngine:
    """An embedded store that commands are recorded in, through the library's recorder."""

    def __init__(self, recorder: LogRecorder) -> None:
        self._recorder = recorder

    @contextmanager
    def turn(self) -> Iterator[SqlTurn]:
        """See `Engine.turn`."""
        try:
            with self._recorder.datastore.transaction(commit=True) as cursor:
                yield SqlTurn(SqliteTold(cursor))
        except IntegrityError as error:
            raise LostRace from error
        except (PersistenceError, sqlite3.Error, OSError) as error:
            raise StoreFailed(
                f"The store can't be written now ({error}); see to its disk, and repeat with an Idempotency-Key."
            ) from error
        self._recorder.announce()
