"""The reading side of a store in PostgreSQL: `EventLog` on a few connections, which any thread may use."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout

from deedbook.domain.errors import StoreFailed
from deedbook.domain.store.postgres.address import Address
from deedbook.domain.store.postgres.asking import PostgresText, PostgresTold
from deedbook.domain.store.postgres.connecting import NoAnswer, PatientConnection, set_up
from deedbook.domain.store.postgres.listening import HEADS, Listener
from deedbook.domain.store.postgres.telling import is_broken, told
from deedbook.domain.store.sql.log import SqlLog

#: Connections for reading, at the most.
CONNECTIONS = 8

#: How long one who reads waits for a connection, in seconds; and for a new one, when the last was found dead.
_WAITING, _AFRESH = 2.0, 0.5

#: How often who waits has the pool try to connect again, in seconds.
_AGAIN = 0.2


class _Reading(PatientConnection):
    patience = 3.0


class PooledReader(PostgresText):
    """Asks on whichever connection is free; raises `StoreFailed`."""

    def __init__(self, address: Address, listener: Listener, size: int = CONNECTIONS) -> None:
        self._listener = listener
        self._size = size
        self._lent = 0
        self._pool: ConnectionPool[_Reading] = ConnectionPool(
            address.conninfo,
            connection_class=_Reading,
            # Autocommit: a statement sees the newest commit, and holds up nothing when it is done.
            kwargs={"autocommit": True},
            min_size=1,
            max_size=size,
            configure=set_up,
            open=False,
            # It tries no longer by itself: it would wait up to minutes. Whoever wants a connection has it try again.
            reconnect_timeout=0,
            name="deedbook-reading",
        )
        listener.on_return.append(self._renew)

    def open(self) -> None:
        """Begin to connect."""
        self._pool.open()

    def close(self) -> None:
        """Close the connections; those in use close when they are given back."""
        self._pool.close()

    def all(self, statement: str, parameters: Sequence[object] = ()) -> list[Any]:
        """See `Asked.all`."""
        waiting, left = _WAITING, self._size
        while True:
            with self._borrowed(waiting) as connection:
                try:
                    return PostgresTold(connection).all(statement, parameters)
                except NoAnswer as error:
                    raise self._listener.lost(error) from error
                except psycopg.Error as error:
                    if not is_broken(error, connection):
                        raise StoreFailed(f"The log can't be read now ({told(error)}).") from error
                    if not left:
                        raise self._listener.lost(error) from error
            # It died since it was used last, as all others did where the server was restarted: one behind them is new.
            waiting, left = _AFRESH, left - 1

    def each(self, statement: str, parameters: Sequence[object] = ()) -> Iterator[Any]:
        """See `Asked.each`; all at once here, where nothing asks for more than a page."""
        return iter(self.all(statement, parameters))

    @contextmanager
    def _borrowed(self, waiting: float) -> Iterator[_Reading]:
        connection = self._connection(waiting)
        self._lent += 1
        try:
            yield connection
        finally:
            self._lent -= 1
            self._pool.putconn(connection)

    def _connection(self, waiting: float) -> _Reading:
        until = time.monotonic() + waiting
        while True:
            self._listener.check()
            try:
                return self._pool.getconn(min(waiting, _AGAIN))
            except PoolTimeout as error:
                if time.monotonic() < until:
                    continue
                if self._lent >= self._size:
                    raise StoreFailed(
                        f"All {self._size} connections to PostgreSQL are in use; repeat in a second."
                    ) from error
                raise self._listener.lost(error) from error
            except PoolClosed as error:
                raise StoreFailed("The store is closed.") from error

    def _renew(self) -> None:
        self._pool.check()


class PostgresLog(SqlLog):
    """Reads events, output and keys; sees what any node committed."""

    is_remote = True

    def __init__(self, address: Address, reader: PooledReader, listener: Listener) -> None:
        super().__init__(reader, listener.recorded)
        self._address = address
        self._listener = listener

    def elsewhere(self) -> Callable[[], "PostgresLog"]:
        """See `EventLog.elsewhere`; it is on a connection of its own, and hears nothing of other nodes."""
        return partial(_opened, self._address)

    def head(self) -> int:
        """See `EventLog.head`."""
        head = super().head()
        self._listener.seen(head)
        return head

    def changes(self) -> int:
        """See `EventLog.changes`: a question only where this node has heard that there is something new."""
        if self._listener.is_behind:
            self._listener.is_behind = False
            try:
                ((position, sequence),) = self._sql.all(HEADS)
            except StoreFailed:
                self._listener.is_behind = True
                raise
            self._listener.seen(position, sequence)
        return self._listener.changes


def _opened(address: Address) -> PostgresLog:
    listener = Listener(address)
    reader = PooledReader(address, listener, size=1)
    reader.open()
    return PostgresLog(address, reader, listener)
