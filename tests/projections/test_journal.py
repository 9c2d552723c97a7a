"""What the disk has to write at once when a fold brings its journal into the file: a commit to the log waits for it."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from deedbook.domain.log import EventLog
from deedbook.domain.store.sqlite import SqliteStore
from deedbook.projections import view
from deedbook.projections.view import Views, connect
from tests.contract.giving import recording
from tests.support.giving import give

ACTIONS = 4000
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EventLog]:
    """Record some thousand actions."""
    with closing(SqliteStore(tmp_path_factory.mktemp("log") / "log.db")) as store:
        give(store.audit_log, [recording() for _ in range(ACTIONS)])
        yield store.log


def test_the_journal_stays_small_while_little_is_folded_at_once(log: EventLog, tmp_path: Path) -> None:
    """SQLite brings it into the file when it has a thousand pages, some 4 MiB."""
    path = tmp_path / "views.db"
    largest = 0
    with closing(Views(path)) as views:
        while happened := log.read(views.tracking.position, 20):
            views.apply(happened)
            largest = max(largest, path.with_name("views.db-wal").stat().st_size)
    assert 3 * MIB < largest < 8 * MIB


def test_the_journal_is_small_again_once_nobody_reads_what_was(
    log: EventLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever reads one state for long holds on to all that is folded meanwhile, and leaves no large file behind."""
    monkeypatch.setattr(view, "_KEPT", MIB)
    path = tmp_path / "views.db"
    journal = path.with_name("views.db-wal")
    with closing(Views(path)) as views, closing(connect(path)) as reading:
        reading.execute("BEGIN")
        reading.execute("SELECT count(*) FROM actions").fetchone()
        while happened := log.read(views.tracking.position, 100):
            views.apply(happened)
            if views.tracking.position == ACTIONS * 3 // 4:
                assert journal.stat().st_size > 8 * MIB
                reading.execute("COMMIT")
        assert journal.stat().st_size < 5 * MIB
