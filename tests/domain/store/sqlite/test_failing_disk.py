"""A disk that fails in the middle of a turn: whoever is told that nothing was recorded can rely on it."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from deedbook.domain.errors import StoreFailed
from deedbook.domain.lifecycle import State
from deedbook.domain.results import Answer
from deedbook.domain.store.sqlite import SqliteStore, recorder
from deedbook.domain.store.sqlite.recorder import connected
from tests.contract.giving import cancel, recording, together

_DESCRIPTORS = Path("/proc/self/fd")

pytestmark = pytest.mark.skipif(not _DESCRIPTORS.exists(), reason="which files are open is told by Linux only")


@contextmanager
def unreadable(path: Path) -> Iterator[None]:
    """Let every read of a file fail that this process has open, as one on a bad sector does."""
    open_ = [int(link.name) for link in _DESCRIPTORS.iterdir() if link.is_symlink() and link.resolve() == path]
    kept = [os.dup(descriptor) for descriptor in open_]
    only_written = os.open(path, os.O_WRONLY)
    for descriptor in open_:
        os.dup2(only_written, descriptor)
    try:
        yield
    finally:
        for descriptor, before in zip(open_, kept, strict=True):
            os.dup2(before, descriptor)
            os.close(before)
        os.close(only_written)


def test_what_is_refused_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a command can't be decided since a page can't be read, none of its batch is recorded, and all hear so."""

    def small(path: str) -> sqlite3.Connection:
        connection = connected(path)
        # So that it has to read.
        connection.execute("PRAGMA cache_size = 20")
        return connection

    monkeypatch.setattr(recorder, "connected", small)
    path = (tmp_path / "log.db").resolve()
    with closing(SqliteStore(path)) as store:
        many = [recording(State.IN_PROGRESS, body="x" * 20_000) for _ in range(300)]
        assert all(isinstance(one, Answer) for one in together(store, many))
        with closing(sqlite3.connect(path)) as other:
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        together(store, [recording()])
        before = store.log.head()
        with unreadable(path):
            outcomes = together(store, [cancel(many[5].id), recording(), recording()])
        assert [type(one) for one in outcomes] == [StoreFailed] * 3
        assert store.log.head() == before
        # And it goes on, once the disk does.
        assert isinstance(together(store, [recording()])[0], Answer)
        assert store.log.head() == before + 1
