"""The tables of an embedded store, and how a file is recognized as one."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from deedbook.domain.errors import StoreUnusable
from deedbook.domain.store.placing import sync_folder
from deedbook.domain.store.sqlite.turn_lock import turn_lock

#: "DEED" in the header of the file tells it from any other SQLite database.
APPLICATION_ID = 0x44454544

#: The version of the tables below; a store of a later one is not touched.
SCHEMA_VERSION = 1

EVENTS = """
CREATE TABLE events (
    position  INTEGER PRIMARY KEY,
    aggregate BLOB NOT NULL,
    version   INTEGER NOT NULL,
    topic     TEXT NOT NULL,
    recorded  INTEGER NOT NULL,
    state     BLOB NOT NULL,
    leaf      BLOB NOT NULL
) STRICT"""

_TABLES = (
    EVENTS,
    "CREATE UNIQUE INDEX events_by_aggregate ON events (aggregate, version)",
    """
CREATE TABLE output (
    sequence  INTEGER PRIMARY KEY,
    action    BLOB NOT NULL,
    line      INTEGER NOT NULL,
    timestamp INTEGER NOT NULL,
    text      TEXT NOT NULL,
    digest    BLOB NOT NULL
) STRICT""",
    "CREATE UNIQUE INDEX output_by_action ON output (action, line)",
    """
CREATE TABLE idempotency (
    namespace TEXT NOT NULL,
    key       TEXT NOT NULL,
    request   BLOB NOT NULL,
    result    BLOB NOT NULL,
    position  INTEGER NOT NULL,
    PRIMARY KEY (namespace, key)
) STRICT, WITHOUT ROWID""",
    """
CREATE TABLE api_keys (
    id          BLOB PRIMARY KEY,
    user        TEXT NOT NULL,
    namespace   TEXT NOT NULL,
    role        TEXT NOT NULL,
    secret_hash BLOB NOT NULL UNIQUE,
    created     INTEGER NOT NULL,
    revoked     INTEGER
) STRICT""",
)

#: Beside the log, and no part of it: not append-only, in no export, and no finding where it is missing. Stores that
#: were made without it get it when they are opened.
USES = "CREATE TABLE IF NOT EXISTS key_uses (key BLOB PRIMARY KEY, used INTEGER NOT NULL) STRICT, WITHOUT ROWID"


def _refuse(table: str, change: str, when: str, reason: str) -> str:
    name = f"{table}_{change.lower()}_{reason.partition(':')[0].replace('-', '_')}"
    condition = f" WHEN {when}" if when else ""
    return (
        f"CREATE TRIGGER {name} BEFORE {change} ON {table}{condition} "
        f"BEGIN SELECT RAISE(ABORT, '{table}: {reason}'); END"
    )


# INSERT OR REPLACE would delete a row without firing the DELETE trigger: hence the checks before each insert.
_TRIGGERS = (
    *(
        _refuse(table, change, "", "append-only: rows are never changed or deleted")
        for table in ("events", "output", "idempotency")
        for change in ("UPDATE", "DELETE")
    ),
    _refuse(
        "events",
        "INSERT",
        "NEW.position <> (SELECT coalesce(max(position), 0) + 1 FROM events)",
        "gapless: the next position is one behind the last",
    ),
    _refuse(
        "events",
        "INSERT",
        "EXISTS (SELECT 1 FROM events WHERE aggregate = NEW.aggregate AND version = NEW.version)",
        "unique: this version of the aggregate is taken",
    ),
    _refuse(
        "output",
        "INSERT",
        "NEW.sequence <> (SELECT coalesce(max(sequence), 0) + 1 FROM output)",
        "gapless: the next sequence is one behind the last",
    ),
    _refuse(
        "output",
        "INSERT",
        "EXISTS (SELECT 1 FROM output WHERE action = NEW.action AND line = NEW.line)",
        "unique: this line of the action is taken",
    ),
    _refuse(
        "idempotency",
        "INSERT",
        "EXISTS (SELECT 1 FROM idempotency WHERE namespace = NEW.namespace AND key = NEW.key)",
        "unique: this key is taken",
    ),
    _refuse(
        "api_keys",
        "INSERT",
        "EXISTS (SELECT 1 FROM api_keys WHERE id = NEW.id OR secret_hash = NEW.secret_hash)",
        "unique: this key is taken",
    ),
    _refuse("api_keys", "DELETE", "", "append-only: keys are revoked, never deleted"),
    _refuse(
        "api_keys",
        "UPDATE",
        "OLD.revoked IS NOT NULL OR NEW.revoked IS NULL OR (NEW.id, NEW.user, NEW.namespace, NEW.role, NEW.secret_hash,"
        " NEW.created) IS NOT (OLD.id, OLD.user, OLD.namespace, OLD.role, OLD.secret_hash, OLD.created)",
        "append-only: a key changes once, when it is revoked",
    ),
)

#: All that a store is made with.
STATEMENTS = (*_TABLES, *_TRIGGERS)


def prepare(path: Path) -> None:
    """Make a store in a file that is missing or empty, durably, and check one that is there.

    Processes that race make it once; one that was killed while making it left an empty file. Raises `StoreUnusable`
    where the file is no Deedbook store, or of a newer version, and then changes nothing.
    """
    if not path.exists() or not _header(path).tables:
        _create(path)
    found = _header(path)
    refuse_foreign(path, found.application, found.version)
    if not found.uses:
        _add_uses(path)


def refuse_foreign(path: Path, application: int, version: int) -> None:
    """Raise `StoreUnusable` where the header of a database is not that of a store which this version can read."""
    if application != APPLICATION_ID:
        raise StoreUnusable(f"{path} is a database, but no Deedbook store; name another file.")
    if version > SCHEMA_VERSION:
        raise StoreUnusable(
            f"{path} was written by a newer Deedbook (schema {version}, this one knows {SCHEMA_VERSION}); "
            "upgrade Deedbook to open it."
        )


class _Header(NamedTuple):
    application: int
    version: int
    tables: int
    uses: int


def _header(path: Path) -> _Header:
    if not path.is_file():
        raise StoreUnusable(f"{path} is no file; name the log.db of a store.")
    if not os.access(path, os.R_OK | os.W_OK):
        raise StoreUnusable(f"This user may not both read and write the store {path}; see to its permissions.")
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=10)) as connection:
            questions = (
                "PRAGMA application_id",
                "PRAGMA user_version",
                "SELECT count(*) FROM sqlite_master",
                "SELECT count(*) FROM sqlite_master WHERE name = 'key_uses'",
            )
            return _Header(*(connection.execute(question).fetchone()[0] for question in questions))
    except sqlite3.Error as error:
        raise StoreUnusable(f"{path} is no Deedbook store ({error}); name another file.") from error


def _create(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Bodies and output may be confidential: the file, and those that SQLite puts beside it, are for their owner.
        path.touch(mode=0o600)
        with _writing(path) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("BEGIN IMMEDIATE")
            if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                for statement in (*STATEMENTS, USES):
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            connection.execute("COMMIT")
        sync_folder(path.parent)
    except (OSError, sqlite3.Error) as error:
        raise StoreUnusable(f"The store {path} can't be created: {error}.") from error


def _add_uses(path: Path) -> None:
    try:
        with _writing(path) as connection:
            connection.execute(USES)
    except (OSError, sqlite3.Error) as error:
        raise StoreUnusable(f"The store {path} can't be brought to this version: {error}.") from error


@contextmanager
def _writing(path: Path) -> Iterator[sqlite3.Connection]:
    # SQLite does not wait for its lock to change the journal's mode: hence ours.
    with (
        closing(turn_lock(path)) as lock,
        lock.held(),
        closing(sqlite3.connect(path, timeout=10, isolation_level=None)) as connection,
    ):
        yield connection
