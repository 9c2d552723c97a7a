"""Connections that don't wait for ever for a server which says nothing, and that see our tables only."""

from typing import Self

import psycopg
from psycopg.abc import RV, PQGen
from psycopg.rows import TupleRow

from deedbook.domain.store.postgres.address import Address

#: The schema that everything of Deedbook is in, in the database that the URL names.
SCHEMA = "deedbook"

#: The channel on which nodes hear that something was committed.
CHANNEL = "deedbook"

#: How long a server may take to answer a statement, in seconds. A process that was stopped keeps its sockets open.
PATIENCE = 10.0

_INTERVAL = 0.1

_SETTINGS = {
    "search_path": SCHEMA,
    # Of whoever stopped in the middle of its turn, and of a machine that is gone without a word: in seconds.
    "idle_in_transaction_session_timeout": "5s",
    "tcp_keepalives_idle": "3",
    "tcp_keepalives_interval": "1",
    "tcp_keepalives_count": "3",
}
_SET_UP = (
    "SELECT "
    + ", ".join(f"set_config('{name}', '{value}', false)" for name, value in _SETTINGS.items())
    + ", CASE WHEN current_setting('synchronous_commit') NOT IN ('on', 'remote_apply')"
    " THEN set_config('synchronous_commit', 'on', false) END"
)


class NoAnswer(psycopg.OperationalError):
    """The server did not answer in time; what it did is not known."""


class PatientConnection(psycopg.Connection[TupleRow]):
    """A connection on which each statement is answered within `patience` seconds, or it is closed: `NoAnswer`."""

    patience: float | None = PATIENCE

    def wait(self, gen: PQGen[RV], interval: float = _INTERVAL, timeout: float | None = None) -> RV:
        """See psycopg; without a `timeout`, patience ends it."""
        if timeout is not None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, self.patience)
        except psycopg.errors._WaitTimeout:  # noqa: SLF001  # what this method is documented to raise
            self.pgconn.finish()
            raise NoAnswer(f"the server did not answer within {self.patience:g} s") from None

    @classmethod
    def to(cls, address: Address) -> Self:
        """Connect, in autocommit mode; raises psycopg.Error."""
        connection = cls.connect(address.conninfo, autocommit=True)
        try:
            set_up(connection)
        except psycopg.Error:
            connection.close()
            raise
        return connection


def set_up(connection: psycopg.Connection[TupleRow]) -> None:
    """See to it that a connection finds our tables, and that what it commits is durable whatever the role's defaults.

    A node that stops in the middle of its turn loses its session after 5 s, and keeps nobody from theirs any longer.
    """
    connection.execute(_SET_UP.encode())
