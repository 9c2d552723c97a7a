"""A store in PostgreSQL as an export reads it, and as an import is written into it: each in one transaction."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

import psycopg
from psycopg import IsolationLevel

from deedbook.domain.errors import StoreFailed
from deedbook.domain.keys import ApiKey
from deedbook.domain.log import Counts, NumberedLine, Stored
from deedbook.domain.store.archive import Entry, Kept, NotWhole
from deedbook.domain.store.postgres.address import Address
from deedbook.domain.store.postgres.asking import PostgresTold
from deedbook.domain.store.postgres.connecting import CHANNEL, PatientConnection
from deedbook.domain.store.postgres.schema import TURN, prepare
from deedbook.domain.store.postgres.telling import told
from deedbook.domain.store.postgres.whole import OneMoment
from deedbook.domain.store.sql.archive import SqlIntake, SqlSnapshot

#: Entries inserted in one statement, and digests of output that are kept in memory.
_AT_ONCE, _DIGESTS = 1000, 100_000


@contextmanager
def snapshot(address: Address) -> Iterator[SqlSnapshot]:
    """Give a store as it is now, and stays here, while others go on to record.

    Raises `StoreUnusable`, `StoreFailed`.
    """
    prepare(address)
    try:
        with OneMoment.of(address) as connection:
            yield SqlSnapshot(PostgresTold(connection))
    except psycopg.Error as error:
        raise StoreFailed(f"The log can't be read now ({told(error)}).") from error


@contextmanager
def intake(address: Address) -> Iterator["PostgresIntake"]:
    """Give a store to read exports into, making it where there is none; durable on return, and undone by an error.

    Meanwhile others read it as it was, and wait to record. Raises `StoreUnusable`, `StoreFailed`.
    """
    prepare(address)
    try:
        with _Writing.to(address) as connection:
            # An export may come slowly, through a pipe.
            connection.execute("SET idle_in_transaction_session_timeout = 0")
            connection.isolation_level = IsolationLevel.READ_COMMITTED
            with connection.transaction():
                connection.execute("SELECT pg_advisory_xact_lock(%s)", (TURN,))
                taking = PostgresIntake(PostgresTold(connection))
                yield taking
                taking.flush()
                connection.execute(f"NOTIFY {CHANNEL}".encode())
    except psycopg.Error as error:
        raise StoreFailed(
            f"The store can't be written now ({told(error)}); import once more: what is there is compared."
        ) from error


class _Writing(PatientConnection):
    #: Who imports waits for those who record, and for its own commit of whatever size.
    patience = None


class PostgresIntake(SqlIntake):
    """See `Intake`: what is added goes to the server many at once, and what can't be there is not asked for."""

    def __init__(self, sql: PostgresTold) -> None:
        super().__init__(sql)
        self._began = super().counts()
        self._waiting: list[Entry] = []
        self._digests: dict[UUID, tuple[int, bytes]] = {}

    def counts(self) -> Counts:
        """See `Intake.counts`."""
        self.flush()
        return super().counts()

    def held(self, entry: Entry) -> Entry | None:
        """See `Intake.held`."""
        if _NEW[type(entry)](entry, self._began):
            return None
        self.flush()
        return super().held(entry)

    def leaves(self, through: int) -> Iterator[bytes]:
        """See `Intake.leaves`."""
        self.flush()
        return super().leaves(through)

    def digest(self, action: UUID, line: int) -> bytes:
        """See `Intake.digest`."""
        number, digest = self._digests.get(action, (0, b""))
        if number == line and number:
            return digest
        self.flush()
        return super().digest(action, line)

    def add(self, entry: Entry) -> None:
        """See `Intake.add`; what the database refuses may be told at a later entry."""
        if self._waiting and type(self._waiting[0]) is not type(entry):
            self.flush()
        self._waiting.append(entry)
        if isinstance(entry, NumberedLine):
            if len(self._digests) >= _DIGESTS:
                self._digests.clear()
            self._digests[entry.line.action] = entry.line.line, entry.line.digest
        if len(self._waiting) >= _AT_ONCE:
            self.flush()

    def revoke(self, key: ApiKey) -> None:
        """See `Intake.revoke`."""
        self.flush()
        super().revoke(key)

    def flush(self) -> None:
        """Insert what waits; raises `NotWhole` where the database refuses it."""
        waiting, self._waiting = self._waiting, []
        try:
            self.add_all(waiting)
        except (psycopg.IntegrityError, psycopg.DataError) as error:
            raise NotWhole(f"The store does not take it ({told(error)}).") from error


def _is_new_event(event: Stored, began: Counts) -> bool:
    return event.position > began.events


def _is_new_line(line: NumberedLine, began: Counts) -> bool:
    return line.sequence > began.output


# Any entry of its kind, by what the store held at the beginning. Nothing of a kind means that all are new, unless the
# export itself holds one twice, which the database refuses.
_NEW: dict[type, Callable[..., bool]] = {
    Stored: _is_new_event,
    NumberedLine: _is_new_line,
    ApiKey: lambda _, began: began.keys == 0,
    Kept: lambda _, began: began.idempotency == 0,
}
