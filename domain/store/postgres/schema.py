"""The tables in a PostgreSQL database: how they are made, upgraded, and recognized as ours."""

from collections.abc import Sequence

import psycopg
from psycopg.rows import TupleRow

from deedbook.domain.errors import StoreUnusable
from deedbook.domain.store.postgres.address import Address
from deedbook.domain.store.postgres.connecting import SCHEMA, PatientConnection
from deedbook.domain.store.postgres.telling import told

#: The oldest server that is tested, as PostgreSQL numbers it.
OLDEST = 150000

#: Advisory locks: who makes or upgrades tables, and whose turn it is to write. "DEED", and a number.
MAKING = (0x44454544 << 16) + 1
TURN = (0x44454544 << 16) + 2

#: The columns of each table, in their order, and their types in PostgreSQL's own names.
COLUMNS = {
    "events": {
        "position": "int8", "aggregate": "bytea", "version": "int8", "topic": "text", "recorded": "int8",
        "state": "bytea", "leaf": "bytea",
    },
    "output": {
        "sequence": "int8", "action": "bytea", "line": "int8", "timestamp": "int8", "text": "bytea", "digest": "bytea",
    },
    "idempotency": {
        "namespace": "bytea", "key": "bytea", "request": "bytea", "result": "bytea", "position": "int8",
    },
    "api_keys": {
        "id": "bytea", "user": "bytea", "namespace": "text", "role": "text", "secret_hash": "bytea", "created": "int8",
        "revoked": "int8",
    },
    # What each writer committed last: so one whose connection died while it committed finds out whether it did.
    "writers": {"writer": "bytea", "batch": "int8", "seen": "timestamptz"},
}  # fmt: skip

#: The columns that may hold nothing.
NULLABLE = {("api_keys", "revoked")}

#: What is unique: each index, its table, its columns.
UNIQUE = {
    "events_by_position": ("events", "position"),
    "events_by_aggregate": ("events", "aggregate, version"),
    "output_by_sequence": ("output", "sequence"),
    "output_by_action": ("output", "action, line"),
    "idempotency_by_key": ("idempotency", "namespace, key"),
    "api_keys_by_id": ("api_keys", "id"),
    "api_keys_by_secret": ("api_keys", "secret_hash"),
    "writers_by_writer": ("writers", "writer"),
}

_APPEND_ONLY = """
BEGIN
    RAISE EXCEPTION '%: append-only: rows are never changed or deleted', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END"""


def _gapless(table: str, column: str) -> str:
    # Once a statement, whatever number of rows it inserts.
    return f"""
DECLARE
    first bigint; last bigint; many bigint; before bigint;
BEGIN
    SELECT min({column}), max({column}), count(*) INTO first, last, many FROM added;
    IF many > 0 THEN
        SELECT coalesce(max({column}), 0) INTO before FROM {SCHEMA}.{table} WHERE {column} < first;
        IF first <> before + 1 OR first < 1 OR last <> first + many - 1 THEN
            RAISE EXCEPTION '{table}: gapless: the next {column} is one behind the last'
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    END IF;
    RETURN NULL;
END"""


_REVOKED_ONCE = """
BEGIN
    IF OLD.revoked IS NOT NULL OR NEW.revoked IS NULL
        OR (NEW.id, NEW."user", NEW.namespace, NEW.role, NEW.secret_hash, NEW.created)
        IS DISTINCT FROM (OLD.id, OLD."user", OLD.namespace, OLD.role, OLD.secret_hash, OLD.created) THEN
        RAISE EXCEPTION 'api_keys: append-only: a key changes once, when it is revoked'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END"""

#: The body of each function that a trigger calls.
FUNCTIONS = {
    "append_only": _APPEND_ONLY,
    "gapless_events": _gapless("events", "position"),
    "gapless_output": _gapless("output", "sequence"),
    "revoked_once": _REVOKED_ONCE,
}

#: Of each trigger its table, when it fires, and the function that it calls.
TRIGGERS = {
    **{
        f"{table}_append_only": (table, "BEFORE UPDATE OR DELETE OR TRUNCATE", "FOR EACH STATEMENT", "append_only")
        for table in ("events", "output", "idempotency")
    },
    "events_gapless": (
        "events", "AFTER INSERT", "REFERENCING NEW TABLE AS added FOR EACH STATEMENT", "gapless_events",
    ),
    "output_gapless": (
        "output", "AFTER INSERT", "REFERENCING NEW TABLE AS added FOR EACH STATEMENT", "gapless_output",
    ),
    "api_keys_append_only": ("api_keys", "BEFORE DELETE OR TRUNCATE", "FOR EACH STATEMENT", "append_only"),
    "api_keys_revoked_once": ("api_keys", "BEFORE UPDATE", "FOR EACH ROW", "revoked_once"),
}  # fmt: skip


def _first() -> list[str]:
    """Return the statements that make the first version."""
    statements = [f"CREATE TABLE {SCHEMA}.{table} ({_declared(table)})" for table in COLUMNS]
    statements += [
        f"CREATE UNIQUE INDEX {name} ON {SCHEMA}.{table} ({columns})" for name, (table, columns) in UNIQUE.items()
    ]
    # Updated with each commit: its rows find room on their own page.
    statements.append(f"ALTER TABLE {SCHEMA}.writers SET (fillfactor = 50)")
    statements += [
        f"CREATE FUNCTION {SCHEMA}.{name}() RETURNS trigger LANGUAGE plpgsql AS $body${body}$body$"
        for name, body in FUNCTIONS.items()
    ]
    for name, (table, when, how, function) in TRIGGERS.items():
        statements.append(
            f"CREATE TRIGGER {name} {when} ON {SCHEMA}.{table} {how} EXECUTE FUNCTION {SCHEMA}.{function}()"
        )
        # Also where a session says that it is a replica, which turns ordinary triggers off.
        statements.append(f"ALTER TABLE {SCHEMA}.{table} ENABLE ALWAYS TRIGGER {name}")
    statements.append(f"CREATE TABLE {SCHEMA}.store (version bigint NOT NULL)")
    statements.append(f"INSERT INTO {SCHEMA}.store VALUES (0)")
    return statements


def _declared(table: str) -> str:
    return ", ".join(
        f'"{name}" {kind}{"" if (table, name) in NULLABLE else " NOT NULL"}' for name, kind in COLUMNS[table].items()
    )


#: What brings a store to version 1, 2, …: each list is run once, in one transaction with the others.
MIGRATIONS: Sequence[Sequence[str]] = (
    _first(),
    # Beside the log, and no part of it: not append-only, in no export, and no finding where it is missing.
    [f"CREATE TABLE {SCHEMA}.key_uses (key bytea PRIMARY KEY, used bigint NOT NULL)"],
)

#: The version of the tables; a store of a later one is not touched.
SCHEMA_VERSION = len(MIGRATIONS)


def prepare(address: Address) -> None:
    """Make the tables in a database that has none of ours, upgrade older ones, and check that this server will do.

    Nodes that start together make them once. Raises `StoreUnusable`, and then changes nothing.
    """
    try:
        with PatientConnection.to(address) as connection:
            check_server(connection, address)
            if version_of(connection, address) < SCHEMA_VERSION:
                _upgrade(connection, address)
    except psycopg.Error as error:
        raise unusable(address, error) from error


def exists(address: Address) -> bool:
    """Tell whether there is a store in a database; raises `StoreUnusable` where it can't be asked."""
    try:
        with PatientConnection.to(address) as connection:
            return version_of(connection, address) > 0
    except psycopg.Error as error:
        raise unusable(address, error) from error


def unusable(address: Address, error: psycopg.Error) -> StoreUnusable:
    """Return how it is told that a store can't be opened."""
    return StoreUnusable(f"The store {address.told} can't be opened: {told(error)}.")


def check_server(connection: psycopg.Connection[TupleRow], address: Address) -> None:
    """Raise `StoreUnusable` where no store may be kept on a server."""
    number = connection.info.server_version
    if number < OLDEST:
        raise StoreUnusable(
            f"{address.told} is PostgreSQL {number // 10000}, and Deedbook needs {OLDEST // 10000} or newer."
        )
    encoding, is_standby, is_read_only = _row(
        connection,
        "SELECT current_setting('server_encoding'), pg_is_in_recovery(),"
        " current_setting('default_transaction_read_only')::boolean",
    )
    if is_standby or is_read_only:
        what = "a standby" if is_standby else "read-only"
        raise StoreUnusable(f"{address.told} is {what}; name the primary, or several hosts of which one is.")
    if encoding != "UTF8":
        raise StoreUnusable(f"The encoding of {address.told} is {encoding}; make a database with UTF8.")


def version_of(connection: psycopg.Connection[TupleRow], address: Address) -> int:
    """Return the version of the store in a database, 0 where there is none; raises `StoreUnusable` of a newer one."""
    (tables, is_ours) = _row(
        connection,
        "SELECT count(*), coalesce(bool_or(relname = 'store'), false) FROM pg_class"
        f" WHERE relkind = 'r' AND relnamespace = to_regnamespace('{SCHEMA}')",
    )
    if not tables:
        return 0
    if not is_ours:
        raise StoreUnusable(
            f"The schema {SCHEMA} in {address.told} holds tables, but no Deedbook store; name another database."
        )
    (version,) = _row(connection, f"SELECT version FROM {SCHEMA}.store")
    if version > SCHEMA_VERSION:
        raise StoreUnusable(
            f"{address.told} was written by a newer Deedbook (schema {version}, this one knows {SCHEMA_VERSION});"
            " upgrade Deedbook to open it."
        )
    return int(version)


def _upgrade(connection: psycopg.Connection[TupleRow], address: Address) -> None:
    with connection.transaction():
        # Statements that come behind it see what whoever had the lock before has committed.
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (MAKING,))
        version = version_of(connection, address)
        if not _row(connection, f"SELECT count(*) FROM pg_namespace WHERE nspname = '{SCHEMA}'")[0]:
            connection.execute(f"CREATE SCHEMA {SCHEMA}")
        for statements in MIGRATIONS[version:]:
            for statement in statements:
                # Bytes: psycopg takes no str that is put together, and these are constants.
                connection.execute(statement.encode())
        connection.execute(f"UPDATE {SCHEMA}.store SET version = %s".encode(), (SCHEMA_VERSION,))


def _row(connection: psycopg.Connection[TupleRow], question: str) -> TupleRow:
    found = connection.execute(question.encode()).fetchone()
    return found or ()
