"""The writing side of a store in PostgreSQL: one session for each node, and the writer's turn among all nodes.

The turn is an advisory lock for the transaction. PostgreSQL lets go of it only after what was committed can be seen
by others, and queues those who wait for it in order: so positions are gapless and in the order of commit.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from uuid import uuid4

import psycopg

from deedbook.domain.errors import LostRace, StoreFailed
from deedbook.domain.store.postgres.address import Address
from deedbook.domain.store.postgres.asking import PostgresTold
from deedbook.domain.store.postgres.connecting import CHANNEL, PatientConnection
from deedbook.domain.store.postgres.listening import Listener
from deedbook.domain.store.postgres.schema import TURN
from deedbook.domain.store.postgres.telling import is_broken, told
from deedbook.domain.store.sql.rows import HEAD
from deedbook.domain.store.writer import Doubtful, Head, TurnLost

#: How long a node waits for its turn, in seconds, before it says that others keep it.
TURN_SECONDS = 8

# One message, in which each statement sees what is committed when it begins: the last, all that was there before the
# turn, whatever the role's default for isolation is.
_TAKE = (f"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SELECT pg_advisory_xact_lock({TURN}); {HEAD}").encode()
# One message too: the mark that tells this batch from all others, the word to other nodes, the end.
_COMMIT = (
    "INSERT INTO writers (writer, batch, seen) VALUES ('\\x{writer}', {batch}, now())"
    " ON CONFLICT (writer) DO UPDATE SET batch = excluded.batch, seen = now();"
    f" NOTIFY {CHANNEL}; COMMIT"
)
# A record in the write-ahead log, so that committing waits for the standbys as any commit does.
_LEAVE_A_TRACE = "SELECT pg_logical_emit_message(true, 'deedbook', '')"
# Marks of writers that are long gone.
_TIDY = "DELETE FROM writers WHERE seen < now() - interval '30 days'"


class Recording:
    """Opens the transactions of one writer, one at a time; its caller sees to that."""

    def __init__(self, address: Address, listener: Listener) -> None:
        self._address = address
        self._listener = listener
        self._connection: PatientConnection | None = None
        self._writer = uuid4().bytes
        #: The number of the last batch that was tried. None is used again: of one that nobody could look up, the mark
        #: may be there.
        self._batch = 0
        self._is_warned = False

    @contextmanager
    def turn(self) -> Iterator[tuple[PostgresTold, Head]]:
        """Wait for the turn and open a transaction; leaving commits it durably, an exception undoes it.

        Gives the head of the log as well.

        Raises `LostRace` where what must be unique was there already, `TurnLost` where the session died before anything
        was committed, or since the last turn: what was learned in it may be of a log that a failover has shortened;
        `Doubtful` where it died while that was under way, `StoreFailed` where the database can't be
        written.
        """
        before = self._connection
        connection, head = self._opened()
        if before is not None and connection is not before:
            self._undo(connection)
            raise TurnLost("the session had ended")
        with self._undone_by_errors(connection):
            yield PostgresTold(connection), head
        self._commit(connection)
        self._listener.announce()

    def close(self) -> None:
        """Let go of the session, and of its mark, which nobody will look for any more."""
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.execute("DELETE FROM writers WHERE writer = %s", (self._writer,))
                self._connection.execute(_TIDY)
            self._let_go()

    def _opened(self) -> tuple[PatientConnection, Head]:
        """Return the session, in a transaction that has the turn, and the head; one that died is replaced."""
        self._listener.check()
        if self._connection is not None:
            try:
                return self._begun(self._connection)
            except psycopg.Error as error:
                if not is_broken(error, self._connection):
                    self._undo(self._connection)
                    raise self._failed(error) from error
                self._let_go()
        try:
            self._connection = self._connected()
            return self._begun(self._connection)
        except psycopg.Error as error:
            self._let_go()
            raise self._failed(error) from error

    def _connected(self) -> PatientConnection:
        connection = PatientConnection.to(self._address)
        connection.execute(f"SET lock_timeout = '{TURN_SECONDS}s'".encode())
        connection.add_notice_handler(self._notice)
        self._listener.own.add(connection.info.backend_pid)
        return connection

    def _begun(self, connection: PatientConnection) -> tuple[PatientConnection, Head]:
        self._is_warned = False
        cursor = connection.execute(_TAKE)
        while cursor.nextset():
            pass
        return connection, Head(*(cursor.fetchone() or (0, 0)))

    @contextmanager
    def _undone_by_errors(self, connection: PatientConnection) -> Iterator[None]:
        try:
            yield
        except psycopg.IntegrityError as error:
            self._undo(connection)
            raise LostRace from error
        except psycopg.DataError as error:
            # Of one command, which no repeating helps: the others are tried without it.
            self._undo(connection)
            raise ValueError(told(error)) from error
        except psycopg.Error as error:
            if is_broken(error, connection):
                self._let_go()
                raise TurnLost(told(error)) from error
            self._undo(connection)
            raise self._failed(error) from error
        except BaseException:
            self._undo(connection)
            raise

    def _commit(self, connection: PatientConnection) -> None:
        self._batch = batch = self._batch + 1
        try:
            connection.execute(_COMMIT.format(writer=self._writer.hex(), batch=batch).encode())
        except psycopg.Error as error:
            if not is_broken(error, connection):
                self._undo(connection)
                raise self._failed(error) from error
            self._let_go()
            raise Doubtful(partial(self._is_recorded, batch)) from error
        if self._is_warned:
            # It gave up waiting for its standby: here that is committed, and a failover might still lose it.
            raise Doubtful(partial(self._is_recorded, batch))

    def _is_recorded(self, batch: int) -> bool:
        """Tell whether a batch was committed: whoever has the turn knows that its transaction has ended."""
        connection, _ = self._opened()
        try:
            row = connection.execute("SELECT batch FROM writers WHERE writer = %s", (self._writer,)).fetchone()
            connection.execute(_LEAVE_A_TRACE)
            connection.execute("COMMIT")
        except psycopg.Error as error:
            self._let_go()
            raise self._failed(error) from error
        if self._is_warned:
            raise StoreFailed("PostgreSQL gave up waiting for its standby; see to that, and repeat.")
        is_there = row is not None and row[0] == batch
        if is_there:
            self._listener.announce()
        return is_there

    def _undo(self, connection: PatientConnection) -> None:
        try:
            connection.rollback()
        except psycopg.Error:
            self._let_go()

    def _let_go(self) -> None:
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._listener.own.discard(self._connection.info.backend_pid)
            self._connection.close()
            self._connection = None

    def _failed(self, error: psycopg.Error) -> StoreFailed:
        if error.sqlstate is None or error.sqlstate.startswith(("08", "57P")):
            return self._listener.lost(error)
        return StoreFailed(f"The store can't be written now ({told(error)}).")

    def _notice(self, said: psycopg.errors.Diagnostic) -> None:
        self._is_warned = self._is_warned or said.severity_nonlocalized == "WARNING"
