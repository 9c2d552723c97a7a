"""A whole store in PostgreSQL at one moment, for `verify`: one read-only transaction."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import psycopg
from psycopg import IsolationLevel

from deedbook.domain.errors import StoreFailed, StoreUnusable
from deedbook.domain.finding import Finding
from deedbook.domain.store.postgres.address import Address
from deedbook.domain.store.postgres.asking import PostgresTold
from deedbook.domain.store.postgres.connecting import SCHEMA, PatientConnection
from deedbook.domain.store.postgres.schema import COLUMNS, FUNCTIONS, NULLABLE, TRIGGERS, UNIQUE, unusable, version_of
from deedbook.domain.store.postgres.telling import told
from deedbook.domain.store.sql.whole import SqlWhole

_OF_OURS = f"relnamespace = '{SCHEMA}'::regnamespace"

#: Of each trigger: its name, its table, whether it always fires, when, with what rows, and the body of its function.
_TRIGGERS = (
    "SELECT tgname::text, relname::text, tgenabled = 'A' AND tgqual IS NULL AND tgattr::text = '', tgtype::int,"
    " coalesce(tgnewtable::text, ''), prosrc FROM pg_trigger"
    " JOIN pg_class ON pg_class.oid = tgrelid JOIN pg_proc ON pg_proc.oid = tgfoid"
    f" WHERE NOT tgisinternal AND {_OF_OURS} ORDER BY tgname"
)

#: The bits of `tgtype` (PostgreSQL's catalog/pg_trigger.h), by the words for them.
_TYPE = {"ROW": 1, "BEFORE": 2, "INSERT": 4, "DELETE": 8, "UPDATE": 16, "TRUNCATE": 32}

_RULES = f"SELECT rulename::text, tablename::text FROM pg_rules WHERE schemaname = '{SCHEMA}' ORDER BY rulename"
_COLUMNS = (
    "SELECT relname::text, attname::text, typname::text, attnotnull FROM pg_class"
    " JOIN pg_attribute ON attrelid = pg_class.oid JOIN pg_type ON pg_type.oid = atttypid"
    f" WHERE {_OF_OURS} AND relkind = 'r' AND attnum > 0 AND NOT attisdropped ORDER BY relname, attnum"
)
_UNIQUE = (
    "SELECT name.relname::text, indrelid::regclass::text, (SELECT string_agg(attname, ', ' ORDER BY place)"
    " FROM unnest(indkey) WITH ORDINALITY AS keys (number, place)"
    " JOIN pg_attribute ON attrelid = indrelid AND attnum = number)"
    " FROM pg_index JOIN pg_class AS name ON name.oid = indexrelid"
    f" WHERE {_OF_OURS} AND indisunique AND indisvalid AND indimmediate AND indpred IS NULL AND indexprs IS NULL"
)


class OneMoment(PatientConnection):
    """A connection that sees one moment; reading a large table may take long."""

    patience = None

    @classmethod
    def of(cls, address: Address) -> "OneMoment":
        """Connect, and begin to see this moment; raises psycopg.Error."""
        connection = cls.to(address)
        # Whoever reads may take its time with what it has read.
        connection.execute("SET idle_in_transaction_session_timeout = 0")
        connection.execute("SET statement_timeout = 0")
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        connection.autocommit = False
        return connection


class _Reader(PostgresTold):
    """Tells what can't be read as `StoreFailed`."""

    def all(self, statement: str, parameters: Sequence[object] = ()) -> list[Any]:
        """See `Asked.all`."""
        with _errors_told():
            return super().all(statement, parameters)

    def each(self, statement: str, parameters: Sequence[object] = ()) -> Iterator[Any]:
        """See `Asked.each`."""
        with _errors_told():
            yield from super().each(statement, parameters)

    def text(self, stored: Any) -> str:  # noqa: ANN401  # as it is asked
        """See `Asked.text`: bytes that are no text are for the check to see."""
        return stored if isinstance(stored, str) else bytes(stored).decode(errors="surrogateescape")


class PostgresWhole(SqlWhole):
    """See `Snapshot`."""

    def __init__(self, address: Address) -> None:
        """Open the store at an address as it is now; raises `StoreUnusable` where there is none, or a newer one."""
        try:
            with ExitStack() as stack:
                self._connection = stack.enter_context(closing(OneMoment.of(address)))
                if not version_of(self._connection, address):
                    raise StoreUnusable(f"There is no store in {address.told}.")
                stack.pop_all()
        except psycopg.Error as error:
            raise unusable(address, error) from error
        self._reader = _Reader(self._connection)
        super().__init__(self._reader)

    def is_true(self) -> bool:
        """Tell whether what was read was of one moment: always."""
        return True

    def faults(self) -> Iterator[Finding]:
        """See `Snapshot.faults`."""
        yield from self._triggers()
        yield from (
            Finding(None, "trigger", f"the rule {rule} on {table} is none of Deedbook's")
            for rule, table in self._reader.all(_RULES)
        )
        yield from self._tables()

    def close(self) -> None:
        """End the transaction."""
        self._connection.close()

    def _triggers(self) -> Iterator[Finding]:
        there = {name: tuple(how) for name, *how in self._reader.all(_TRIGGERS)}
        for name, (table, when, how, function) in TRIGGERS.items():
            fires = sum(_TYPE.get(word, 0) for word in (*when.split(), *how.split()))
            rows = "added" if "REFERENCING NEW TABLE AS added" in how else ""
            if name not in there:
                yield Finding(None, "trigger", f"the trigger {name} is missing")
            elif there[name] != (table, True, fires, rows, FUNCTIONS[function]):
                yield Finding(None, "trigger", f"the trigger {name} is not as Deedbook made it")
        for name in there.keys() - TRIGGERS.keys():
            yield Finding(None, "trigger", f"the trigger {name} is none of Deedbook's")

    def _tables(self) -> Iterator[Finding]:
        there: dict[str, list[tuple[object, ...]]] = {}
        for table, *column in self._reader.all(_COLUMNS):
            there.setdefault(table, []).append(tuple(column))
        for table, columns in COLUMNS.items():
            if table not in there:
                yield Finding(None, "schema", f"the table {table} is missing")
            elif there[table] != [(name, kind, (table, name) not in NULLABLE) for name, kind in columns.items()]:
                yield Finding(None, "schema", f"the table {table} is not as Deedbook made it")
        unique = {name: (table, columns) for name, table, columns in self._reader.all(_UNIQUE)}
        for name, what in UNIQUE.items():
            if unique.get(name) != what:
                yield Finding(None, "schema", f"the unique index {name} is missing, or not as Deedbook made it")


@contextmanager
def _errors_told() -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        raise StoreFailed(f"The store can't be read any further ({told(error)}).") from error
