"""Append-only by the database itself: whatever program opens the file, what was recorded is not changed."""

import sqlite3

import pytest

from tests.support.tables import rows

#: A new row for each table, that could be inserted.
NEW = {
    "events": "((SELECT max(position) + 1 FROM events), x'00', 1, 'made.up/1', 1, x'00', x'00')",
    "output": "((SELECT max(sequence) + 1 FROM output), x'00', 1, 1, 'line', x'00')",
    "idempotency": "('acme', 'another', x'00', x'00', 1)",
    "api_keys": "(x'00', 'ann', 'acme', 'admin', x'00', 1, NULL)",
}

CHANGES = [
    # Changing what is there.
    "UPDATE events SET state = state",
    "UPDATE events SET position = position",
    "UPDATE output SET text = text",
    "UPDATE idempotency SET result = result",
    "UPDATE events SET state = x'00' WHERE position = 2",
    "UPDATE OR IGNORE events SET state = x'00' WHERE position = 2",
    "UPDATE OR REPLACE events SET position = 1 WHERE position = 2",
    "UPDATE output SET text = 'not so' WHERE line = 1",
    # Taking it away.
    "DELETE FROM events",
    "DELETE FROM output",
    "DELETE FROM idempotency",
    "DELETE FROM api_keys",
    "DELETE FROM events WHERE position = (SELECT max(position) FROM events)",
    # Putting another in its place: REPLACE deletes rows without a word to triggers that refuse deletion.
    "INSERT OR REPLACE INTO events SELECT position, aggregate, version, topic, recorded, x'00', leaf FROM events",
    "REPLACE INTO events SELECT max(position) + 1, aggregate, 1, topic, 1, x'00', leaf FROM events WHERE version = 1",
    "INSERT INTO events SELECT * FROM events WHERE true ON CONFLICT DO UPDATE SET state = x'00'",
    "INSERT OR REPLACE INTO output SELECT sequence, action, line, timestamp, 'not so', digest FROM output",
    "INSERT OR REPLACE INTO output SELECT max(sequence) + 1, action, line, timestamp, 'not so', digest FROM output",
    "INSERT OR REPLACE INTO idempotency SELECT namespace, key, x'00', x'00', 1 FROM idempotency",
    "INSERT INTO idempotency SELECT * FROM idempotency WHERE true ON CONFLICT DO UPDATE SET result = x'00'",
    "INSERT OR REPLACE INTO api_keys SELECT id, user, namespace, 'admin', secret_hash, created, NULL FROM api_keys",
    "INSERT OR REPLACE INTO api_keys SELECT x'00', user, namespace, 'admin', secret_hash, created, NULL FROM api_keys",
    # Leaving positions out, or going back.
    "INSERT INTO events SELECT max(position) + 2, x'00', 1, topic, recorded, state, leaf FROM events",
    "INSERT INTO events SELECT 0, x'00', 1, topic, recorded, state, leaf FROM events LIMIT 1",
    "INSERT INTO events (aggregate, version, topic, recorded, state, leaf) VALUES (x'00', 1, 'a/1', 1, x'00', x'00')",
    "INSERT INTO output SELECT max(sequence) + 2, x'00', 1, timestamp, text, digest FROM output",
    # A version, or a line, for the second time.
    "INSERT INTO events SELECT max(position) + 1, aggregate, 1, topic, recorded, state, leaf FROM events",
    "INSERT INTO output SELECT max(sequence) + 1, action, 1, timestamp, text, digest FROM output",
    # A key changes once, when it is revoked: never what it is, nor back.
    "UPDATE api_keys SET role = 'admin' WHERE revoked IS NULL",
    "UPDATE api_keys SET namespace = 'other' WHERE revoked IS NULL",
    "UPDATE api_keys SET user = 'bob', revoked = 1 WHERE revoked IS NULL",
    "UPDATE api_keys SET revoked = NULL WHERE revoked IS NOT NULL",
    "UPDATE api_keys SET revoked = 1 WHERE revoked IS NOT NULL",
    "UPDATE api_keys SET secret_hash = x'00' WHERE revoked IS NULL",
    "UPDATE api_keys SET id = x'00' WHERE revoked IS NULL",
    "UPDATE api_keys SET created = 1 WHERE revoked IS NULL",
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_the_database_refuses(connection: sqlite3.Connection, change: str) -> None:
    """A statement that would change, remove or replace what was recorded is refused, and all is as it was."""
    before = rows(connection)
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(change)
    assert rows(connection) == before


@pytest.mark.parametrize("table", sorted(NEW))
def test_the_database_takes_what_is_new(connection: sqlite3.Connection, table: str) -> None:
    """A row that follows the last is taken: the refusals are not for everything."""
    before = rows(connection)[table]
    connection.execute(f"INSERT INTO {table} VALUES {NEW[table]}")  # noqa: S608  # a name of the list above
    assert len(rows(connection)[table]) == len(before) + 1


def test_a_key_can_be_revoked(connection: sqlite3.Connection) -> None:
    """Revoking, once, is the one change that a key takes."""
    changed = connection.execute("UPDATE api_keys SET revoked = 5 WHERE revoked IS NULL")
    assert changed.rowcount == 1


def test_strict_tables_refuse_what_is_of_another_type(connection: sqlite3.Connection) -> None:
    """A position that is text, or bytes that are text, are refused."""
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute("INSERT INTO events VALUES ('next', x'00', 1, 'a/1', 1, x'00', x'00')")
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute("INSERT INTO events SELECT max(position) + 1, x'00', 1, 'a/1', 1, 'text', x'00' FROM events")
