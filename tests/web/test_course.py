"""The log in order, where somebody wrote into it what can't have happened."""

from contextlib import closing
from pathlib import Path

import pytest

from deedbook.domain.errors import Undecodable
from deedbook.domain.store.sqlite import SqliteStore
from deedbook.web.course import Course
from tests.contract.giving import recorded, recording
from tests.faults.test_unknown_event import insert


def test_an_event_that_does_not_follow_is_as_one_that_cannot_be_read(tmp_path: Path) -> None:
    """An action that starts without having been recorded: its position is named, and nothing hangs or is skipped."""
    path = tmp_path / "log.db"
    with closing(SqliteStore(path)) as store:
        recorded(store, recording())
        position = insert(path, "action.started/2", b'{"at":1,"by":{}}')
        course = Course(store.log)
        steps = iter(store.log.read(0, 10))
        assert course.step(next(steps)) is not None
        with pytest.raises(Undecodable, match=f"position {position} .*does not follow from what came before"):
            course.step(next(steps))
