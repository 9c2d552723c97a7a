"""Append-only by the database itself: whatever program connects, what was recorded is not changed."""

import psycopg
import pytest

TABLES = ("events", "output", "idempotency", "api_keys")

#: A new row for each table, that could be inserted.
NEW = {
    "events": r"((SELECT max(position) + 1 FROM events), '\x00', 1, 'made.up/1', 1, '\x00', '\x00')",
    "output": r"((SELECT max(sequence) + 1 FROM output), '\x00', 1, 1, 'line', '\x00')",
    "idempotency": r"('acme', 'another', '\x00', '\x00', 1)",
    "api_keys": r"('\x00', 'ann', 'acme', 'admin', '\x00', 1, NULL)",
}

CHANGES = [
    # Changing what is there.
    "UPDATE events SET state = state",
    "UPDATE events SET position = position + 1 WHERE false",
    "UPDATE output SET text = text",
    "UPDATE idempotency SET result = result",
    r"UPDATE events SET state = '\x00' WHERE position = 2",
    # Taking it away.
    "DELETE FROM events",
    "DELETE FROM output",
    "DELETE FROM idempotency",
    "DELETE FROM api_keys",
    "DELETE FROM events WHERE position = (SELECT max(position) FROM events)",
    "TRUNCATE events",
    "TRUNCATE output",
    "TRUNCATE idempotency",
    "TRUNCATE api_keys",
    # Putting another in its place.
    r"INSERT INTO events SELECT * FROM events ON CONFLICT (position) DO UPDATE SET state = '\x00'",
    r"INSERT INTO output SELECT * FROM output ON CONFLICT (sequence) DO UPDATE SET text = '\x00'",
    r"INSERT INTO idempotency SELECT * FROM idempotency ON CONFLICT (namespace, key) DO UPDATE SET result = '\x00'",
    "INSERT INTO api_keys SELECT * FROM api_keys ON CONFLICT (id) DO UPDATE SET role = 'admin'",
    # Leaving positions out, or going back.
    r"INSERT INTO events SELECT max(position) + 2, '\x00', 1, 'a/1', 1, '\x00', '\x00' FROM events",
    r"INSERT INTO events VALUES (0, '\x00', 1, 'a/1', 1, '\x00', '\x00')",
    r"INSERT INTO events VALUES (-1, '\x00', 1, 'a/1', 1, '\x00', '\x00'), (0, '\x00', 2, 'a/1', 1, '\x00', '\x00')",
    (
        r"INSERT INTO events SELECT max(position) + n, '\x00', n, 'a/1', 1, '\x00', '\x00'"
        " FROM events, (VALUES (1), (3)) AS v (n) GROUP BY n"
    ),
    r"INSERT INTO output SELECT max(sequence) + 2, '\x00', 1, 1, 'line', '\x00' FROM output",
    # A version, or a line, for the second time.
    (
        "INSERT INTO events SELECT (SELECT max(position) + 1 FROM events), aggregate, 1, topic, 1, state, leaf"
        " FROM events WHERE position = 1"
    ),
    "INSERT INTO output SELECT (SELECT max(sequence) + 1 FROM output), action, 1, 1, text, digest FROM output LIMIT 1",
    # A key changes once, when it is revoked: never what it is, nor back.
    "UPDATE api_keys SET role = 'admin' WHERE revoked IS NULL",
    "UPDATE api_keys SET namespace = 'other' WHERE revoked IS NULL",
    "UPDATE api_keys SET \"user\" = 'bob', revoked = 1 WHERE revoked IS NULL",
    "UPDATE api_keys SET revoked = NULL WHERE revoked IS NOT NULL",
    "UPDATE api_keys SET revoked = 1 WHERE revoked IS NOT NULL",
    r"UPDATE api_keys SET secret_hash = '\x00' WHERE revoked IS NULL",
    r"UPDATE api_keys SET id = '\x00' WHERE revoked IS NULL",
    "UPDATE api_keys SET created = 1 WHERE revoked IS NULL",
    # Nothing where something must be.
    r"INSERT INTO events SELECT max(position) + 1, '\x00', 1, NULL, 1, '\x00', '\x00' FROM events",
]


def rows(connection: psycopg.Connection) -> dict[str, list[object]]:
    """Return all that is kept, table by table."""
    return {
        table: sorted(connection.execute(f"SELECT * FROM {table}".encode()).fetchall(), key=repr)  # noqa: S608  # a name of the list above
        for table in TABLES
    }


@pytest.mark.parametrize("role", ["origin", "replica"])
@pytest.mark.parametrize("change", CHANGES)
def test_the_database_refuses(connection: psycopg.Connection, change: str, role: str) -> None:
    """A statement that would change, remove or replace what was recorded is refused, and all is as it was.

    Also to a session that calls itself a replica, which turns ordinary triggers off.
    """
    connection.execute(f"SET session_replication_role = {role}".encode())
    before = rows(connection)
    with pytest.raises(psycopg.IntegrityError):
        connection.execute(change.encode())
    assert rows(connection) == before


@pytest.mark.parametrize("table", sorted(NEW))
def test_the_database_takes_what_is_new(connection: psycopg.Connection, table: str) -> None:
    """A row that follows the last is taken: the refusals are not for everything."""
    before = rows(connection)[table]
    connection.execute(f"INSERT INTO {table} VALUES {NEW[table]}".encode())  # noqa: S608  # a name of the list above
    assert len(rows(connection)[table]) == len(before) + 1


def test_a_key_can_be_revoked(connection: psycopg.Connection) -> None:
    """Revoking, once, is the one change that a key takes."""
    assert connection.execute("UPDATE api_keys SET revoked = 5 WHERE revoked IS NULL").rowcount == 1
