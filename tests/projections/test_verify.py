"""The check of the views: what is a fault of theirs, what is none, and that it leaves nothing behind."""

import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from deedbook.domain.finding import Finding, Progress
from deedbook.domain.store.sqlite import SqliteStore
from deedbook.domain.store.sqlite.read_only import ReadOnly
from deedbook.projections.generations import Generations
from deedbook.projections.rebuild import build
from deedbook.projections.verify import Compared, open_views, verify_views
from deedbook.projections.view import Views
from tests.contract.giving import recorded, recording


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    """A store with three actions, and views of them."""
    with closing(SqliteStore(tmp_path / "log.db")) as store:
        for _ in range(3):
            recorded(store, recording(uri="/a/", parents=("/b/",)))
        build(store.log, Generations(tmp_path))
        yield store


def compared(
    store: SqliteStore, progress: Callable[[Progress], None] = lambda _: None
) -> tuple[Compared, list[Finding]]:
    """Check the views of a store; return what was compared, and what was found."""
    found: list[Finding] = []
    opened = open_views(Generations(store.path.parent), ReadOnly, found.append)
    try:
        return verify_views(opened, store.log, found.append, progress), found
    finally:
        if opened is not None:
            opened.file.close()


def views_of(store: SqliteStore) -> Path:
    """Return the file of its views."""
    path = Generations(store.path.parent).current()
    assert path is not None
    return path


def change(store: SqliteStore, statement: str) -> None:
    """Do something to the views of a store."""
    with closing(sqlite3.connect(views_of(store), isolation_level=None)) as db:
        db.execute(statement)


def test_views_that_are_behind_are_compared_up_to_where_they_are(store: SqliteStore) -> None:
    """What was recorded since is no finding, and a change of what they have read is one."""
    recorded(store, recording())
    outcome, found = compared(store)
    assert (outcome.position, outcome.what, found) == (4, "compared, 1 behind", [])
    change(store, "UPDATE documents SET json = x'00' WHERE id = 3")
    (finding,) = compared(store)[1]
    assert finding == Finding(None, "view", "documents, id 3: json is not what a replay gives")


def test_views_that_are_missing_are_no_fault(store: SqliteStore) -> None:
    """A server builds them."""
    views_of(store).unlink()
    outcome, found = compared(store)
    assert (outcome.file, found) == (None, [])


def test_views_of_another_version_are_no_fault(store: SqliteStore) -> None:
    """They are not compared, and that is said."""
    change(store, "PRAGMA user_version = 999")
    outcome, found = compared(store)
    assert ("not compared" in outcome.what, found) == (True, [])


@pytest.mark.parametrize("garbage", [b"no database at all\n" * 500, b""])
def test_a_file_that_is_none_of_views_is_found(store: SqliteStore, garbage: bytes) -> None:
    """Whatever lies there under the name of views."""
    path = views_of(store)
    for one in store.path.parent.glob(f"{path.name}*"):
        one.unlink()
    path.write_bytes(garbage)
    outcome, found = compared(store)
    assert "not compared" in outcome.what or "none that can be compared" in outcome.what
    assert [one.code for one in found] == ["view"]


def test_views_that_stopped_are_told(store: SqliteStore) -> None:
    """With the position of the event that can't be read, and the reason."""
    with closing(Views(views_of(store))) as views:
        views.stop(5, "it is of a topic that nobody knows")
    (finding,) = compared(store)[1]
    assert (finding.position, finding.code) == (5, "stopped")
    assert "a topic that nobody knows" in finding.what


def test_views_of_another_log_are_told(store: SqliteStore) -> None:
    """What they read last was recorded on another date than what stands there now."""
    change(store, "UPDATE tracking SET recorded = recorded - 1")
    assert any("tracking" in one.what for one in compared(store)[1])


@pytest.mark.parametrize("what", ["TABLE documents", "INDEX actions_by_state"])
def test_what_a_file_is_made_of_is_compared(store: SqliteStore, what: str) -> None:
    """A table or an index that is gone is named."""
    change(store, f"DROP {what}")
    kind, name = what.split()
    assert [one.what for one in compared(store)[1]] == [f"{kind.lower()} {name} is missing"]


def test_of_many_rows_that_differ_some_are_named_and_the_rest_counted(store: SqliteStore) -> None:
    """A table that was emptied or filled does not fill the screen."""
    with closing(sqlite3.connect(views_of(store), isolation_level=None)) as db:
        db.executemany("INSERT INTO bodies VALUES (?, 'x')", [(number,) for number in range(1000, 1500)])
    told = [one.what for one in compared(store)[1]]
    assert len(told) == 101
    assert told[0] == "bodies, id 1000: no replay gives this row"
    assert told[-1] == "bodies: 400 more rows differ"


def test_nothing_is_left_behind(store: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file that is built to compare with lies elsewhere, and is gone afterwards."""
    aside = tmp_path / "aside"
    aside.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(aside))
    there: set[str] = set()
    before = {path.name for path in tmp_path.iterdir()}
    compared(store, lambda _: there.update(path.name for path in aside.iterdir()))
    assert len(there) == 1
    assert list(aside.iterdir()) == []
    assert {path.name for path in tmp_path.iterdir()} == before
