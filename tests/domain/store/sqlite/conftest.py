"""What the tests of the embedded store share: a file with a little of everything in it, and SQLite as it is."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from uuid import UUID

import pytest

from deedbook.domain.commands import IssueKey, RevokeKey
from deedbook.domain.lifecycle import State
from deedbook.domain.store.sqlite import SqliteStore
from tests.contract.giving import BY, append, finish, once, recording


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file of a store that holds two actions, output, an idempotency key, and two API keys."""
    path = tmp_path / "log.db"
    store, ids = SqliteStore(path), map(UUID, (f"{number:08}-0000-4000-8000-000000000000" for number in count(1)))
    action = recording(State.IN_PROGRESS, "/a/", id=next(ids), parents=("/above/",))
    for command in (action, append(action.id, "one", "two"), finish(action.id)):
        store.audit_log.perform(command)
    store.audit_log.perform(recording(id=next(ids)), once("key"))
    keys = [
        IssueKey(
            id=next(ids), action=next(ids), user="ann", namespace="acme", role="auditor",
            secret_hash=next(ids).bytes, by=BY,
        ) for _ in range(2)
    ]  # fmt: skip
    for key in keys:
        store.audit_log.perform(key)
    store.audit_log.perform(RevokeKey(id=keys[0].id, action=next(ids), by=BY))
    store.close()
    return path


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    """The file, as anybody opens it who has SQLite."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection
