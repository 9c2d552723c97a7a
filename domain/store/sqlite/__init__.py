"""The embedded store: one SQLite file."""

from collections.abc import Callable
from pathlib import Path

from deedbook.domain.audit_log import AuditLog
from deedbook.domain.store.clock import now
from deedbook.domain.store.sqlite.engine import SqliteEngine
from deedbook.domain.store.sqlite.reading import SqliteLog
from deedbook.domain.store.sqlite.recorder import LogDatastore, LogRecorder
from deedbook.domain.store.sqlite.schema import prepare
from deedbook.domain.store.writer import QUEUE, Writer


class SqliteStore:
    """A store that is open: commands go to `audit_log`, readers to `log`."""

    def __init__(self, path: Path, clock: Callable[[], int] = now, queue: int = QUEUE) -> None:
        """Open the store in a file, making it where there is none; raises `StoreUnusable`."""
        prepare(path)
        self.path = path
        self._datastore = LogDatastore(path)
        self.recorder = LogRecorder(self._datastore, clock)
        self.log = SqliteLog(path, self.recorder.recorded)
        self.writer = Writer(SqliteEngine(self.recorder), clock, queue)
        self.audit_log = AuditLog(self.writer)
        self.writer.start()

    def on_news(self, call: Callable[[], None]) -> None:
        """Do nothing: of what other processes commit, SQLite tells whoever asks, and nobody else."""

    def close(self) -> None:
        """Record and answer what waits, then close the files.

        A writer that still waits for its turn keeps its own; it ends with the process.
        """
        is_done = self.writer.close()
        self.log.close()
        if is_done:
            self._datastore.close()
