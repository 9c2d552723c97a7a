"""The events of a log, read by position: the same for whoever follows it and whoever checks it."""

from collections.abc import Sequence

from deedbook.domain.log import Happened, Stored
from deedbook.domain.store.decoding import all_happened
from deedbook.domain.store.sql.asking import Asked
from deedbook.domain.store.sql.rows import EVENTS


class SqlEvents:
    """Reads events."""

    def __init__(self, sql: Asked) -> None:
        self._sql = sql

    def head(self) -> int:
        """See `EventLog.head`."""
        return int(self._sql.all("SELECT coalesce(max(position), 0) FROM events")[0][0])

    def recorded(self, position: int) -> int | None:
        """See `EventLog.recorded`."""
        rows = self._sql.all("SELECT recorded FROM events WHERE position = ?", (position,))
        return int(rows[0][0]) if rows else None

    def read(self, after: int, limit: int) -> Sequence[Happened]:
        """See `EventLog.read`."""
        return all_happened(self._sql.all(f"{EVENTS} WHERE position > ? ORDER BY position LIMIT ?", (after, limit)))

    def stored(self, after: int, limit: int) -> Sequence[Stored]:
        """See `EventLog.stored`."""
        rows = self._sql.all(f"{EVENTS} WHERE position > ? ORDER BY position LIMIT ?", (after, limit))
        return [Stored(*row) for row in rows]
