"""What is stopped by a deadline leaves its connection as it was."""

import sqlite3
from contextlib import closing
from threading import Event

import pytest
from sqlite_utils import Database

from deedbook.projections.deadline import TooMuch, deadline

#: Every `?`th of many numbers: where that is few, it is stopped between two rows, and where much before the only one.
NUMBERS = (
    "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 100000)"
    " SELECT n FROM numbers WHERE n % ? = 0"
)


@pytest.mark.parametrize("every", [10, 100_000])
def test_a_question_that_was_stopped_is_not_prepared_each_time(every: int) -> None:
    """However often it is asked again; Python 3.11 by itself would prepare it each time from then on."""
    prepared: list[int] = []

    def asked(action: int, *_: object) -> int:
        prepared.append(action)
        return sqlite3.SQLITE_OK

    with closing(Database(memory=True)) as db:
        db.conn.set_authorizer(asked)
        for _ in range(2):
            with pytest.raises(TooMuch), deadline(db, 0, Event()):
                db.conn.execute(NUMBERS, (every,)).fetchall()
        db.conn.execute(NUMBERS, (every,)).fetchall()
        prepared.clear()
        assert len(db.conn.execute(NUMBERS, (every,)).fetchall()) == 100_000 // every
        assert prepared == []
