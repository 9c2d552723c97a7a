"""The store in PostgreSQL: any number of nodes record in one database."""

from collections.abc import Callable

from deedbook.domain.audit_log import AuditLog
from deedbook.domain.store.clock import now
from deedbook.domain.store.postgres.address import Address
from deedbook.domain.store.postgres.engine import PostgresEngine
from deedbook.domain.store.postgres.listening import Listener
from deedbook.domain.store.postgres.reading import PooledReader, PostgresLog
from deedbook.domain.store.postgres.recorder import LogRecorder
from deedbook.domain.store.postgres.recording import Recording
from deedbook.domain.store.postgres.schema import prepare
from deedbook.domain.store.writer import QUEUE, Writer


class PostgresStore:
    """A store that is open: commands go to `audit_log`, readers to `log`."""

    def __init__(self, address: Address, clock: Callable[[], int] = now, queue: int = QUEUE) -> None:
        """Open the store in a database, making its tables where there are none; raises `StoreUnusable`."""
        prepare(address)
        self._listener = Listener(address)
        self._reader = PooledReader(address, self._listener)
        self._recordings = [Recording(address, self._listener) for _ in range(2)]
        self.log = PostgresLog(address, self._reader, self._listener)
        self.recorder = LogRecorder(self._recordings[0], self._reader, self._listener, clock)
        self.writer = Writer(PostgresEngine(self._recordings[1]), clock, queue)
        self.audit_log = AuditLog(self.writer)
        self._reader.open()
        self._listener.start()
        self.writer.start()

    def on_news(self, call: Callable[[], None]) -> None:
        """Have `call` called, from some thread, when another node has committed something."""
        self._listener.on_news.append(call)

    def close(self) -> None:
        """Record and answer what waits, then close the connections.

        A writer that still waits for its turn keeps its own; it ends with the process.
        """
        is_done = self.writer.close()
        for recording in self._recordings[: 1 + is_done]:
            recording.close()
        self._listener.close()
        self._reader.close()
