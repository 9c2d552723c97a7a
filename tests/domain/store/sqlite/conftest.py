"""What the tests of the embedded store share: a file with a little of everything in it, and SQLite as it is."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from deedbook.domain.store.sqlite import SqliteStore
from tests.support.filled import fill


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file of a store that holds two actions, output, an idempotency key, and two API keys."""
    path = tmp_path / "log.db"
    with closing(SqliteStore(path)) as store:
        fill(store.audit_log)
    return path


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    """The file, as anybody opens it who has SQLite."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection
