"""The reading side of a store that SQL can ask: all of `EventLog` but how an engine waits and tells of changes."""

import threading
import time
from collections.abc import Sequence
from uuid import UUID

from msgspec.structs import replace

from deedbook.domain.keys import ApiKey
from deedbook.domain.log import Happened, NumberedLine
from deedbook.domain.output import OutputEnd, OutputLine
from deedbook.domain.store.decoding import happened
from deedbook.domain.store.sql.asking import Asked
from deedbook.domain.store.sql.events import SqlEvents
from deedbook.domain.store.sql.rows import EVENTS, KEYS, LAST_SEQUENCE, OUTPUT, OUTPUT_END, USES, key_of, numbered_line
from deedbook.domain.store.subscription import POLL_SECONDS

#: More rows than any table has.
_ALL = 2**63 - 1


class SqlLog(SqlEvents):
    """Reads events, output and keys."""

    is_remote = False

    def __init__(self, sql: Asked, recorded: threading.Condition) -> None:
        """`recorded` is notified when something was committed, as far as this process hears of it."""
        super().__init__(sql)
        self._recorded = recorded

    def history(self, aggregate: UUID, limit: int = -1) -> Sequence[Happened]:
        """See `EventLog.history`."""
        most = _ALL if limit < 0 else limit
        rows = self._sql.all(f"{EVENTS} WHERE aggregate = ? ORDER BY version LIMIT ?", (aggregate.bytes, most))
        return [happened(row) for row in rows]

    def wait(self, after: int, timeout: float) -> bool:
        """See `EventLog.wait`."""
        deadline = time.monotonic() + timeout
        while self.head() <= after:
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            with self._recorded:
                self._recorded.wait(min(left, POLL_SECONDS))
        return True

    def output_end(self, action: UUID) -> OutputEnd:
        """See `EventLog.output_end`."""
        rows = self._sql.all(OUTPUT_END, (action.bytes,))
        return OutputEnd(*rows[0]) if rows else OutputEnd()

    def output(self, action: UUID, after: int, limit: int) -> Sequence[OutputLine]:
        """See `EventLog.output`."""
        rows = self._sql.all(f"{OUTPUT} WHERE action = ? AND line > ? ORDER BY line LIMIT ?", (
            action.bytes, after, limit,
        ))  # fmt: skip
        return [numbered_line(self._sql, row).line for row in rows]

    def output_head(self) -> int:
        """See `EventLog.output_head`."""
        return int(self._sql.all(LAST_SEQUENCE)[0][0])

    def new_output(self, after: int, limit: int) -> Sequence[NumberedLine]:
        """See `EventLog.new_output`."""
        rows = self._sql.all(f"{OUTPUT} WHERE sequence > ? ORDER BY sequence LIMIT ?", (after, limit))
        return [numbered_line(self._sql, row) for row in rows]

    def api_keys(self) -> Sequence[ApiKey]:
        """See `EventLog.api_keys`."""
        uses = dict(self._sql.all(USES))
        keys = (key_of(self._sql, row) for row in self._sql.all(f"{KEYS} ORDER BY created, id"))
        return [replace(key, last_used=uses.get(key.id.bytes)) for key in keys]
