"""The second process of a check: what it finds comes back, and its death is told."""

import os
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from deedbook.domain.errors import StoreFailed
from deedbook.domain.finding import Progress
from deedbook.domain.store.sqlite import SqliteStore
from deedbook.projections.generations import Generations
from deedbook.projections.rebuild import build
from deedbook.web.beside import Beside
from deedbook.web.settings import Settings
from deedbook.web.verifying import verify_store
from tests.contract.giving import recorded, recording


def tell(path: Path, progress: Callable[[Progress], None]) -> tuple[str, int]:
    """Tell of some progress, and return where and in which process that was."""
    for done in range(3):
        progress(Progress("work", done, 3))
    return str(path), os.getpid()


def die(_: Path, progress: Callable[[Progress], None]) -> None:
    """Do some work, and die of it."""
    progress(Progress("work", 1, 3))
    os.kill(os.getpid(), signal.SIGKILL)


def test_progress_and_outcome_come_back(tmp_path: Path) -> None:
    """In order, from another process."""
    told: list[Progress] = []
    with Beside(tell, tmp_path) as beside:
        path, process = beside.outcome(told.append)
    assert (path, told) == (str(tmp_path), [Progress("work", done, 3) for done in range(3)])
    assert process != os.getpid()


def clear_up(path: Path, progress: Callable[[Progress], None]) -> None:
    """Work for ever on a file, and remove it in the end."""
    try:
        (path / "work").touch()
        progress(Progress("work", 1, 3))
        signal.pause()
    finally:
        (path / "work").unlink()


def test_one_that_is_left_clears_up(tmp_path: Path) -> None:
    """Left before it is done, by an error or Ctrl-C, it ends and takes its files with it."""

    def leave(_: Progress) -> None:
        raise KeyError

    with pytest.raises(KeyError), Beside(clear_up, tmp_path) as beside:
        beside.outcome(leave)
    assert list(tmp_path.iterdir()) == []


def test_the_death_of_the_process_is_told(tmp_path: Path) -> None:
    """Never waited for in vain, and never taken for an outcome."""
    with Beside(die, tmp_path) as beside, pytest.raises(StoreFailed, match="status -9"):
        beside.outcome(lambda _: None)


def test_views_that_are_checked_beside_are_checked_as_well(tmp_path: Path) -> None:
    """A store that is large enough is checked by two processes, which find what one finds."""
    path, told = tmp_path / "log.db", list[Progress]()
    settings = Settings(url=f"sqlite:///{path}")
    with closing(SqliteStore(path)) as store:
        recorded(store, recording())
        views = build(store.log, Generations(tmp_path))
    assert verify_store(settings, None, told.append, beside=0).findings == []
    assert {"events", "views", "rows"} <= {one.what for one in told}
    with closing(sqlite3.connect(views, isolation_level=None)) as db:
        db.execute("UPDATE terms SET total = 7")
    for beside in (0, 100):
        report = verify_store(settings, None, lambda _: None, beside=beside)
        assert {finding.code for finding in report.findings} == {"view"}
        assert report.views.position == 1
