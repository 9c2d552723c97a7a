"""Views that ran with the log, and views built from it anew, are the same: row for row."""

import sqlite3
import tempfile
from collections.abc import Sequence
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from deedbook.domain.log import EventLog
from deedbook.domain.results import Command
from deedbook.domain.store.sqlite import SqliteStore
from deedbook.domain.testing import command_sequences, live
from deedbook.projections.generations import Generations
from deedbook.projections.rebuild import build
from deedbook.projections.view import Views

#: The rows of each table.
Rows = dict[str, list[tuple[object, ...]]]


def rows(path: Path) -> Rows:
    """Return every row of every table, in order."""
    with sqlite3.connect(path) as db:
        names = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found = {name: sorted(db.execute(f"SELECT * FROM {name}"), key=repr) for name in names}  # noqa: S608  # its own tables
    db.close()
    return found


def project(log: EventLog, path: Path, batches: Sequence[int]) -> None:
    """Fold the log into a file in batches of these sizes, over and over, opening it anew for each."""
    turn = 0
    while True:
        views = Views(path)
        happened = log.read(views.tracking.position, batches[turn % len(batches)])
        views.apply(happened)
        views.close()
        turn += 1
        if not happened:
            return


def kept_and_made(history: list[Command], batches: Sequence[int]) -> tuple[Rows, Rows]:
    """Return the rows of views that ran with a log of this history, cut into such batches, and of a rebuild of it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = SqliteStore(folder / "log.db")
        live(store.audit_log, history)
        project(store.log, folder / "live.db", batches)
        built = build(store.log, Generations(folder))
        store.close()
        return rows(folder / "live.db"), rows(built)


@settings(max_examples=60)
@given(history=command_sequences(), batches=st.lists(st.integers(1, 12), min_size=1, max_size=5))
def test_live_views_equal_rebuilt_ones(history: list[Command], batches: list[int]) -> None:
    """However the log was cut into transactions, the views are those that a rebuild from position 1 gives."""
    kept, made = kept_and_made(history, batches)
    assert kept == made
