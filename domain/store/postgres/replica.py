"""A hot standby of a database, to be read from: it is asked, and told nothing."""

from deedbook.domain.store.postgres.address import address_of
from deedbook.domain.store.postgres.listening import Listener
from deedbook.domain.store.postgres.reading import PooledReader, PostgresLog


class PostgresReplica:
    """The connections to a standby; `log` is what it has of the log, and may come back when it was out of reach."""

    def __init__(self, url: str) -> None:
        """Begin to connect; raises `StoreUnusable` where the URL is none."""
        address = address_of(url, "DEEDBOOK_READ_URL", "prefer-standby")
        self._listener = Listener(address, is_standby=True)
        self._reader = PooledReader(address, self._listener)
        self.log = PostgresLog(address, self._reader, self._listener)
        self._reader.open()
        self._listener.start()

    def close(self) -> None:
        """Close the connections."""
        self._listener.close()
        self._reader.close()
