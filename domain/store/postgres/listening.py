"""Hears of what any node committed, and knows whether the server can be reached.

One connection that listens. A notification may be lost, with its connection or without: so it also looks by itself,
ten times a second, and at once when it is connected again.
"""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import psycopg

from deedbook.domain.errors import StoreFailed
from deedbook.domain.store.postgres.address import Address
from deedbook.domain.store.postgres.connecting import CHANNEL, PatientConnection
from deedbook.domain.store.postgres.telling import meaning, told

#: How often it looks, in seconds, and how soon it tries again where there is no server.
LOOK_SECONDS = 0.1
AGAIN_SECONDS = 0.2

_log = logging.getLogger(__name__)

#: The last position, and the last sequence of output.
HEADS = "SELECT coalesce((SELECT max(position) FROM events), 0), coalesce((SELECT max(sequence) FROM output), 0)"


class _Listening(PatientConnection):
    patience = 3.0


class Listener:
    """Listens in a thread of its own."""

    def __init__(self, address: Address, *, is_standby: bool = False) -> None:
        """`is_standby`: the server takes no LISTEN, so that only looking tells."""
        self._address = address
        self._is_standby = is_standby
        #: Notified when something was committed, as far as this node has heard.
        self.recorded = threading.Condition()
        #: Whether something was committed, by whomever, that nobody here has looked at yet.
        self.is_behind = True
        #: Called when another node has committed something.
        self.on_news: list[Callable[[], None]] = []
        #: Called when the server can be reached again.
        self.on_return: list[Callable[[], None]] = []
        #: The process numbers of this node's writing sessions: its own notifications are no news.
        self.own: set[int] = set()
        self._position = self._sequence = 0
        self._failure: str | None = None
        self._doubted = threading.Event()
        self._closing = threading.Event()
        #: That of the connection, which ends the wait when it is shut down.
        self._socket = -1
        self._thread = threading.Thread(target=self._run, name="deedbook-listener", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def close(self) -> None:
        """Stop listening, and return when the connection is closed."""
        self._closing.set()
        with suppress(OSError), socket.socket(fileno=os.dup(self._socket)) as listening:
            listening.shutdown(socket.SHUT_RDWR)
        if self._thread.is_alive():
            self._thread.join(2)

    def check(self) -> None:
        """Raise `StoreFailed` at once while the server can't be reached, as far as is known."""
        if self._failure is not None:
            raise StoreFailed(self._failure)

    def lost(self, error: psycopg.Error) -> StoreFailed:
        """Take note that somebody could not reach the server, and return how that is told.

        Nobody else waits for it until this thread has found that it can be reached.
        """
        failure = self._is_lost(error)
        self._doubted.set()
        return StoreFailed(failure)

    @property
    def changes(self) -> int:
        """A number that grows with all that is seen."""
        return self._position + self._sequence

    def seen(self, position: int, sequence: int = 0) -> bool:
        """Take note of how far somebody has seen the log and the output; tell whether that is news."""
        before = self.changes
        self._position, self._sequence = max(position, self._position), max(sequence, self._sequence)
        return self.changes != before

    def announce(self) -> None:
        """Wake those who wait in this process: something was committed."""
        self.is_behind = True
        with self.recorded:
            self.recorded.notify_all()

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                connection = _Listening.to(self._address)
            except psycopg.Error as error:
                self._is_lost(error)
                self._closing.wait(AGAIN_SECONDS)
            else:
                # A session that ends says nothing of the server: the next try to connect does.
                with suppress(psycopg.Error), connection:
                    self._socket = connection.pgconn.socket
                    self._listen(connection)
                self._socket = -1

    def _listen(self, connection: PatientConnection) -> None:
        if not self._is_standby:
            connection.execute(f"LISTEN {CHANNEL}".encode())
        while not self._closing.is_set():
            # First looked, then waited: what was committed while nobody listened is seen.
            self._look(connection)
            self._doubted.clear()
            if self._failure is not None:
                self._failure = None
                _log.warning("PostgreSQL at %s can be reached again.", self._address.told)
                for call in self.on_return:
                    call()
            self._hear(connection)

    def _hear(self, connection: PatientConnection) -> None:
        """Pass on what is heard, until it is time to look."""
        until = time.monotonic() + LOOK_SECONDS
        while (left := until - time.monotonic()) > 0 and not self._closing.is_set() and not self._doubted.is_set():
            # All that has come, and no more: a burst is one piece of news.
            heard = [notice.pid for notice in connection.notifies(timeout=left, stop_after=1)]
            if any(pid not in self.own for pid in heard):
                self._news()

    def _look(self, connection: PatientConnection) -> None:
        position, sequence = connection.execute(HEADS.encode()).fetchone() or (0, 0)
        if self.seen(position, sequence):
            self._news()

    def _news(self) -> None:
        self.announce()
        for call in self.on_news:
            call()

    def _is_lost(self, error: psycopg.Error) -> str:
        """Say so in the server's own log, where the server is told by name; callers hear less."""
        if self._failure is None:
            _log.warning("PostgreSQL at %s can't be reached: %s.", self._address.told, told(error))
        what = meaning(error)
        self._failure = f"PostgreSQL can't be reached now{f' ({what})' if what else ''}; repeat in a second."
        return self._failure
