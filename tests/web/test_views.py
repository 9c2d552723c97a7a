"""Where a question to the views is answered: in the event loop where it is short, else in a thread."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

import pytest

from deedbook.domain.errors import StoreFailed
from deedbook.domain.log import EventLog
from deedbook.domain.store.sqlite import SqliteStore
from deedbook.projections.deadline import TooMuch, deadline
from deedbook.projections.generations import Generations
from deedbook.projections.reader import Reader, Snapshot
from deedbook.projections.rebuild import build
from deedbook.projections.runner import Runner
from deedbook.web import views
from deedbook.web.views import CaughtUpViews, Cost, ViewsBehind
from tests.contract.giving import recording, together

ENDLESS = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


@pytest.mark.parametrize(
    ("cost", "takes_long", "where"),
    [
        (Cost.FLAT, False, ["loop"]),
        (Cost.LONG, True, ["thread"]),
        (Cost.UNKNOWN, False, ["loop"]),
        (Cost.UNKNOWN, True, ["loop", "thread"]),
    ],
)
def test_what_takes_long_is_answered_in_a_thread(
    tmp_path: Path,
    cost: Cost,
    takes_long: bool,  # noqa: FBT001  # a parameter of the test
    where: list[str],
) -> None:
    """What may be short is tried in the loop, with a bound; only what goes beyond it is asked again in a thread."""
    store = SqliteStore(tmp_path / "log.db")
    together(store, [recording()])
    generations = Generations(tmp_path)
    build(store.log, generations)
    seen: list[str] = []

    def question(snapshot: Snapshot, patience: float | None) -> int:
        seen.append("loop" if threading.current_thread() is threading.main_thread() else "thread")
        if takes_long and patience is not None:
            with deadline(snapshot.db, patience, snapshot.closing):
                snapshot.db.execute(ENDLESS).fetchall()
        return 7

    async def ask() -> tuple[int, int, int | None]:
        reader = Reader(generations)
        runner = Runner(store.log, generations, lambda *_: None)
        caught_up = CaughtUpViews(store.log, reader, runner, asyncio.get_running_loop())
        try:
            return await caught_up.weigh(question, cost)
        finally:
            reader.close()

    assert asyncio.run(ask()) == (7, store.log.head(), None)
    assert seen == where
    store.close()


def test_a_question_that_takes_long_ends_when_nobody_waits_any_more(tmp_path: Path) -> None:
    """A server that stops waits for the threads that answer: each ends at once."""
    store = SqliteStore(tmp_path / "log.db")
    generations = Generations(tmp_path)
    build(store.log, generations)
    reader = Reader(generations)
    begun = threading.Event()

    def ask() -> None:
        with reader.snapshot() as snapshot, deadline(snapshot.db, 3600, snapshot.closing):
            begun.set()
            snapshot.db.execute(ENDLESS).fetchall()

    with ThreadPoolExecutor() as threads:
        answer = threads.submit(ask)
        assert begun.wait(60)
        reader.closing.set()
        assert isinstance(answer.exception(60), TooMuch)
    reader.close()
    store.close()


class _Silent:
    """A log that tells its head once, and then can't be asked, as behind a database server that was stopped."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._asked = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._log, name)

    def head(self) -> int:
        self._asked += 1
        if self._asked > 1:
            raise StoreFailed("of a test")
        return self._log.head()


def test_a_log_that_falls_silent_behind_a_question_is_answered_with_a_lag(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It told a head that the views then can't reach: they answer as they are, as when it can't be asked at all."""
    monkeypatch.setattr(views, "PATIENCE", 0.2)
    store = SqliteStore(tmp_path / "log.db")
    together(store, [recording()])
    generations = Generations(tmp_path)
    build(store.log, generations)
    before = store.log.head()
    together(store, [recording()])

    async def ask(log: EventLog, at_least: int | None = None) -> tuple[int, int, int | None]:
        reader = Reader(generations)
        runner = Runner(store.log, generations, lambda *_: None)
        caught_up = CaughtUpViews(log, reader, runner, asyncio.get_running_loop())
        try:
            return await caught_up.ask(lambda _: 7, at_least=at_least)
        finally:
            reader.close()

    found, position, lag = asyncio.run(ask(cast("EventLog", _Silent(store.log))))
    assert (found, position) == (7, before)
    assert lag is not None
    for unfit in (store.log, cast("EventLog", _Silent(store.log))):
        with pytest.raises(ViewsBehind):
            asyncio.run(ask(unfit, at_least=before + 1))
    with pytest.raises(ViewsBehind):
        asyncio.run(ask(store.log))
    store.close()
