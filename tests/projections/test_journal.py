"""What the disk has to write at once when a fold brings its journal into the file: a commit to the log waits for it."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from deedbook.domain.log import EventLog
from deedbook.domain.store.sqlite import SqliteStore
from deedbook.projections.view import Views
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
