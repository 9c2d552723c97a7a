"""Who asks the views in one turn of the event loop shares one look at them, and misses nothing by it."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest
import uvloop

from deedbook.domain.errors import Unavailable
from deedbook.domain.store.sqlite import SqliteStore
from deedbook.projections.generations import Generations
from deedbook.projections.reader import Reader, Snapshot
from deedbook.projections.runner import Runner
from deedbook.web.courier import Courier
from deedbook.web.views import CaughtUpViews
from tests.contract.giving import recording

CLIENTS, TIMES = 32, 25

Run = Callable[[Coroutine[None, None, None]], None]


@pytest.fixture(params=[asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """Run a coroutine in one of the loops that the server may have."""
    loop: Run = request.param
    return loop


class Scene(NamedTuple):
    """A store that records, and its views."""

    courier: Courier
    views: CaughtUpViews


@asynccontextmanager
async def scene(folder: Path) -> AsyncIterator[Scene]:
    """Give a store with one action, and views that are kept up with it."""
    store, generations = SqliteStore(folder / "log.db"), Generations(folder)
    reader, runner = Reader(generations), Runner(store.log, generations)
    loop = asyncio.get_running_loop()
    courier, views = Courier(store.audit_log, loop), CaughtUpViews(store.log, reader, runner, loop)
    runner.start()
    try:
        await courier.perform(recording())
        await views.ask(position)
        yield Scene(courier, views)
    finally:
        await asyncio.to_thread(runner.close)
        # In the thread that asked it, so that it lets go of that thread's connection.
        store.close()
        reader.close()


def position(snapshot: Snapshot) -> int:
    """Ask how far the views are."""
    return snapshot.tracking.position


def test_all_who_ask_in_a_turn_share_one_look(run: Run, tmp_path: Path) -> None:
    """A transaction is begun and ended once for all of them; in the next turn there is another."""

    async def ask() -> None:
        async with scene(tmp_path) as (_, views):
            asked = [asyncio.create_task(views.ask(lambda snapshot: snapshot)) for _ in range(3)]
            (first, *_), (second, *_), (third, *_) = [await one for one in asked]
            (later, *_) = await views.ask(lambda snapshot: snapshot)
            assert first is second is third is not later

    run(ask())


def test_who_hears_of_an_action_finds_it(run: Run, tmp_path: Path) -> None:
    """Many record and ask at once, each as soon as it is answered: whatever turn that falls in, nothing is missing."""

    async def client(courier: Courier, views: CaughtUpViews) -> None:
        for _ in range(TIMES):
            command = recording()
            answer = await courier.perform(command)
            found, seen, lag = await views.ask(partial(Snapshot.action, action=command.id, namespace=None))
            assert found is not None
            assert seen >= answer.position
            assert lag is None

    async def ask() -> None:
        async with scene(tmp_path) as (courier, views):
            await asyncio.gather(*(client(courier, views) for _ in range(CLIENTS)))

    run(ask())


def test_a_question_that_fails_harms_no_other(run: Run, tmp_path: Path) -> None:
    """Whoever asks in the same turn is answered, and so is who asks next."""

    def broken(snapshot: Snapshot) -> int:
        snapshot.db.conn.execute("SELECT 1 FROM nowhere")
        return 0

    async def ask() -> None:
        async with scene(tmp_path) as (_, views):
            asked = [views.ask(position), views.ask(broken), views.ask(position)]
            before, failed, behind = await asyncio.gather(*asked, return_exceptions=True)
            assert before == behind == await views.ask(position)
            assert isinstance(failed, Unavailable)
            assert isinstance(failed.__cause__, sqlite3.Error)

    run(ask())
