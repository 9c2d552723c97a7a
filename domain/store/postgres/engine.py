"""The writing side of a store in PostgreSQL: the writer's turn as one transaction."""

from collections.abc import Iterator
from contextlib import contextmanager

from deedbook.domain.store.postgres.recording import Recording
from deedbook.domain.store.sql.turn import SqlTurn


class PostgresEngine:
    """A database that commands are recorded in."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording

    @contextmanager
    def turn(self) -> Iterator[SqlTurn]:
        """See `Engine.turn`."""
        with self._recording.turn() as (told, head):
            yield SqlTurn(told, head)
