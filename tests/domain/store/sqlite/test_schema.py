"""How a file is recognized: made where there is none, opened where it is a store, never touched where it is not."""

import sqlite3
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path

import pytest

from deedbook.domain.errors import StoreUnusable
from deedbook.domain.store.sqlite import SqliteStore
from deedbook.domain.store.sqlite.schema import APPLICATION_ID, SCHEMA_VERSION, prepare
from tests.contract.giving import recording
from tests.support.verifying import findings


def contents(folder: Path) -> dict[str, bytes | None]:
    """Return every file in a folder with its bytes."""
    return {path.name: path.read_bytes() if path.is_file() else None for path in folder.iterdir()}


def foreign(path: Path, *, mode: str) -> None:
    """Make a database of another program, in a journal mode."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA journal_mode = {mode}")
        connection.execute("CREATE TABLE events (position INTEGER PRIMARY KEY)")
        connection.execute("INSERT INTO events VALUES (1)")
        connection.commit()


def newer(path: Path) -> None:
    """Make a store as a newer version would."""
    prepare(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")


NOT_OURS = {
    "text": lambda path: path.write_text("2014-09-17 08:26:22 scaled\n" * 100),
    "a short text": lambda path: path.write_text("log"),
    "a folder": lambda path: path.mkdir(),
    "another database": lambda path: foreign(path, mode="DELETE"),
    "another database in WAL mode": lambda path: foreign(path, mode="WAL"),
    "a newer store": newer,
}


@pytest.mark.parametrize("what", sorted(NOT_OURS))
def test_what_is_no_store_of_ours_is_not_touched(tmp_path: Path, what: str) -> None:
    """A file that is no store, or of a newer version, is refused with a sentence that names it, and left as it is."""
    path = tmp_path / "log.db"
    NOT_OURS[what](path)
    before = contents(tmp_path)
    with pytest.raises(StoreUnusable, match=r"log\.db") as caught:
        SqliteStore(path)
    assert "\n" not in str(caught.value)
    # SQLite may put its -shm beside a database in WAL mode to read it; what was there is as it was.
    assert before.items() <= contents(tmp_path).items()


def test_a_newer_store_says_what_to_do(tmp_path: Path) -> None:
    """Of a store that a newer version wrote, both versions are told."""
    newer(tmp_path / "log.db")
    with pytest.raises(StoreUnusable, match=f"schema {SCHEMA_VERSION + 1}, this one knows {SCHEMA_VERSION}.*upgrade"):
        prepare(tmp_path / "log.db")


@pytest.mark.parametrize("is_there", [True, False], ids=["an empty file", "no file"])
def test_a_store_is_made_where_there_is_none(tmp_path: Path, *, is_there: bool) -> None:
    """A missing file, in folders that are missing too, is made; so is one that a killed process left empty."""
    path = tmp_path / "a" / "b" / "log.db"
    if is_there:
        path.parent.mkdir(parents=True)
        path.touch()
    prepare(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_preparing_a_store_again_changes_nothing(tmp_path: Path) -> None:
    """A store that is there is only looked at."""
    path = tmp_path / "log.db"
    prepare(path)
    before = contents(tmp_path)
    prepare(path)
    assert contents(tmp_path) == before


def open_and_record(path: Path) -> int:
    """Open a store, which may not be there yet, and record; return the position."""
    with closing(SqliteStore(path)) as store:
        return store.audit_log.perform(recording()).position


def test_processes_that_race_make_one_store(tmp_path: Path) -> None:
    """However many processes open a store that is not there, it is made once, and each records in it."""
    with get_context("spawn").Pool(3) as pool:
        for attempt in range(10):
            positions = pool.map(open_and_record, [tmp_path / str(attempt) / "log.db"] * 3, chunksize=1)
            assert sorted(positions) == [1, 2, 3]


def test_a_store_that_was_made_without_uses_of_keys_gets_them(tmp_path: Path) -> None:
    """When it is opened; until then it is as sound as any, and all that it held is there."""
    path = tmp_path / "log.db"
    prepare(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE key_uses")
    assert findings(path) == []
    with closing(SqliteStore(path)) as store:
        assert store.log.api_keys() == []
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM key_uses").fetchone() == (0,)
