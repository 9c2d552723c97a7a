"""A backup of a store that is in use: all of one moment, whatever is recorded meanwhile, and a store of its own."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from deedbook.domain.errors import StoreUnusable
from deedbook.domain.log import Counts
from deedbook.domain.store.archive import Growing
from deedbook.domain.store.placing import FileTaken
from deedbook.domain.store.sqlite import SqliteStore
from deedbook.domain.store.sqlite.backup import back_up
from tests.contract.giving import recorded, recording, together
from tests.support.exporting import held
from tests.support.lives import SOME, Life
from tests.support.verifying import findings

_PRAGMAS = ("journal_mode", "application_id", "user_version", "page_size", "integrity_check")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    """An open store of some 4 MiB, with some of everything in it."""
    with closing(SqliteStore(tmp_path / "log.db")) as store:
        Life(store.audit_log).go_on(SOME)
        together(store, [recording(body="x" * 20_000) for _ in range(200)])
        yield store


def facts(path: Path) -> list[object]:
    """Return what SQLite says of a file: its pragmas, and every table, index and trigger."""
    with closing(sqlite3.connect(path)) as connection:
        found: list[object] = [connection.execute(f"PRAGMA {pragma}").fetchone()[0] for pragma in _PRAGMAS]
        return [*found, *connection.execute("SELECT * FROM sqlite_master ORDER BY name")]


def test_a_backup_is_the_store_again(store: SqliteStore, tmp_path: Path) -> None:
    """Every row is there, every trigger too, under the same marks and in the same mode; the store is as it was."""
    copy, before = tmp_path / "copy.db", held(store.path)
    whole = back_up(store.path, copy, lambda _done, _of: None)
    assert facts(copy) == facts(store.path)
    assert held(copy) == held(store.path) == before
    assert whole.holds == Counts(store.log.head(), store.log.output_head(), 1, 2)
    assert whole.head == Growing(event.leaf for event in store.log.stored(0, 10_000)).head
    assert copy.stat().st_mode & 0o777 == 0o600
    assert not findings(copy)
    with closing(SqliteStore(copy)) as opened:
        recorded(opened, recording())
        assert opened.log.head() == store.log.head() + 1


def test_it_keeps_to_its_moment_and_ends_while_others_record(store: SqliteStore, tmp_path: Path) -> None:
    """Another process's commits between its steps neither get into the copy nor make it begin anew."""
    copy, before = tmp_path / "copy.db", held(store.path)
    told: list[tuple[int, int]] = []

    def progress(done: int, of: int) -> None:
        told.append((done, of))
        with closing(SqliteStore(store.path)) as other:
            recorded(other, recording(body="y" * 20_000))

    holds, head = back_up(store.path, copy, progress)
    assert held(copy) == before
    assert holds.events == head.size == len(before["events"])
    assert store.log.head() == holds.events + len(told) > holds.events + 3
    assert len({of for _, of in told}) == 1
    assert all(earlier[0] < later[0] for earlier, later in pairwise(told))
    assert told[-1][0] == told[-1][1]


def test_a_file_that_is_there_is_never_overwritten(store: SqliteStore, tmp_path: Path) -> None:
    """Not even by a backup onto the store itself."""
    before = held(store.path)
    for place in (store.path, tmp_path / "log.db-turn"):
        with pytest.raises(FileTaken, match="is there already"):
            back_up(store.path, place, lambda _done, _of: None)
    assert held(store.path) == before


def test_what_is_no_store_is_not_copied(tmp_path: Path) -> None:
    """Another database is refused, and no copy of it is left."""
    with closing(sqlite3.connect(tmp_path / "other.db")) as connection:
        connection.execute("CREATE TABLE t (x)")
    with pytest.raises(StoreUnusable, match="no Deedbook store"):
        back_up(tmp_path / "other.db", tmp_path / "copy.db", lambda _done, _of: None)
    assert [path.name for path in tmp_path.iterdir()] == ["other.db"]
