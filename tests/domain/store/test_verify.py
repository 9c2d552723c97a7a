"""`verify` finds what was done to a store behind its back."""

import sqlite3
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from uuid import UUID

import pytest

from deedbook.domain.lifecycle import State
from deedbook.domain.store.leaf import leaf
from deedbook.domain.store.sqlite import SqliteStore
from deedbook.domain.store.verify import Finding, verify
from tests.contract.giving import append, finish, recorded, recording


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store with some life in it, whose triggers somebody with the file has dropped."""
    path = tmp_path / "log.db"
    with closing(SqliteStore(path)) as store:
        for _ in range(3):
            action = recorded(store, recording(State.IN_PROGRESS, "/a/"))
            store.audit_log.perform(append(action.id, "line"))
            recorded(store, finish(action.id))
    with closing(sqlite3.connect(path)) as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
    return path


def changed(path: Path, statement: str, *, with_leaves: bool = False) -> list[Finding]:
    """Do something to a store behind its back, and return what `verify` finds."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(statement)
        if with_leaves:
            rows = connection.execute("SELECT position, aggregate, version, topic, recorded, state FROM events")
            for position, aggregate, *rest in rows.fetchall():
                new = leaf(position, UUID(bytes=aggregate), *rest)
                connection.execute("UPDATE events SET leaf = ? WHERE position = ?", (new, position))
    with closing(SqliteStore(path)) as store:
        return list(verify(store.log))


def test_nothing_is_found_where_nothing_was_done(path: Path) -> None:
    """A store as it was recorded has no finding, and progress is told up to its head."""
    reached: list[int] = []
    with closing(SqliteStore(path)) as store:
        assert list(verify(store.log, reached.append)) == []
        assert reached[-1] == store.log.head() == 12
    assert all(before < after for before, after in pairwise(reached))


@pytest.mark.parametrize(
    "change",
    [
        "state = replace(CAST(state AS TEXT), 'Scale', 'Spoof') || ' '", "topic = 'lane.left/1'", "version = 9",
        "recorded = recorded + 1", "aggregate = randomblob(16)", "leaf = zeroblob(32)", "state = zeroblob(0)",
    ],
)  # fmt: skip
def test_a_changed_row_is_found(path: Path, change: str) -> None:
    """Whatever part of a row is changed, the finding names its position."""
    change = change.replace("state = replace", "state = CAST(replace").replace("|| ' '", "|| ' ' AS BLOB)")
    found = changed(path, f"UPDATE events SET {change} WHERE position = 7")  # noqa: S608  # from the list above
    assert 7 in {finding.position for finding in found}
    assert any("leaf does not fit" in finding.what for finding in found)


def test_a_missing_row_is_found(path: Path) -> None:
    """A row that was taken out leaves a hole, which is named."""
    found = changed(path, "DELETE FROM events WHERE position IN (5, 6)")
    assert any(finding.position == 7 and "positions 5 to 6 are missing" in finding.what for finding in found)


def test_rows_moved_over_a_hole_are_found(path: Path) -> None:
    """Positions that were closed up behind a row that was taken out do not fit their leaves."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DELETE FROM events WHERE position = 4")
        for position in range(5, 13):
            connection.execute("UPDATE events SET position = position - 1 WHERE position = ?", (position,))
    assert {finding.position for finding in changed(path, "SELECT 1")} >= set(range(4, 12))


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ("UPDATE events SET version = version + 1 WHERE position = 12", "does not follow the one before"),
        ("UPDATE events SET recorded = 1 WHERE position = 7", "recorded date is before"),
        ("UPDATE events SET topic = 'made.up/1' WHERE position = 7", "does not know the topic made.up/1"),
        ("UPDATE events SET state = x'00' WHERE position = 7", "not an event of topic"),
    ],
)
def test_new_leaves_do_not_hide_everything(path: Path, change: str, what: str) -> None:
    """Somebody who works out the leaves anew is found by what the rows say of each other, and of themselves."""
    found = changed(path, change, with_leaves=True)
    assert any(what in finding.what for finding in found)
    assert not any("leaf" in finding.what for finding in found)


def test_an_aggregate_that_is_no_id_is_found(path: Path) -> None:
    """An aggregate of another length than a UUID's is named, and does not end the check."""
    found = changed(path, "UPDATE events SET aggregate = x'00' WHERE position IN (3, 8)")
    assert [finding.position for finding in found if "no UUID" in finding.what] == [3, 8]
