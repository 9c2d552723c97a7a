"""The composition root: where everything is built, from settings, and the only place that knows the store."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import NamedTuple
from uuid import UUID

from starlette.types import ASGIApp

from deedbook.domain.audit_log import AuditLog
from deedbook.domain.log import EventLog
from deedbook.domain.store.sqlite import SqliteStore
from deedbook.domain.store.verify import Finding, verify
from deedbook.projections.generations import Generations
from deedbook.projections.reader import Reader
from deedbook.projections.runner import Runner
from deedbook.web.actions import Actions
from deedbook.web.app import create_app
from deedbook.web.auth import Keyring, WrongKeys
from deedbook.web.courier import Courier
from deedbook.web.followers import Followers
from deedbook.web.gate import Gate
from deedbook.web.health import Health
from deedbook.web.history import History
from deedbook.web.ids import RandomIds
from deedbook.web.keys import Keys
from deedbook.web.openapi import Description
from deedbook.web.output import Output
from deedbook.web.relationships import Relationships
from deedbook.web.settings import Settings
from deedbook.web.streams import Streams
from deedbook.web.tail import Tail
from deedbook.web.views import CaughtUpViews


class Opened(NamedTuple):
    """A store that is open, and where its views are."""

    log: EventLog
    audit_log: AuditLog
    generations: Generations
    queued: Callable[[], int]
    on_commit: Callable[[Callable[[], None]], None]
    verify: Callable[[Callable[[int], None]], Iterator[Finding]]
    close: Callable[[], None]


def open_store(settings: Settings) -> Opened:
    """Open the store that the settings name, making it where there is none; raises `StoreUnusable`."""
    path = settings.store_path
    store = SqliteStore(path, queue=settings.queue)
    return Opened(
        store.log,
        store.audit_log,
        Generations(path.parent),
        lambda: store.writer.queued,
        store.writer.on_commit,
        lambda progress: verify(store.log, progress),
        store.close,
    )


@contextlib.asynccontextmanager
async def running(settings: Settings, new_id: Callable[[], UUID] | None = None) -> AsyncIterator[ASGIApp]:
    """Open the store and give the web application on it; on leaving, what waits is recorded and everything closed.

    Raises `StoreUnusable` where the store can't be opened, ValueError where a setting makes no sense.
    """
    loop = asyncio.get_running_loop()
    new_id = new_id or RandomIds()
    store = open_store(settings)
    reader = Reader(store.generations)
    runner = Runner(store.log, store.generations)
    tail = Tail(store.log, loop)
    store.on_commit(tail.wake)
    keyring = Keyring(store.log)
    followers = Followers(keyring, settings.streams_per_key, settings.slow_follower)
    views = CaughtUpViews(store.log, reader, runner, loop)
    courier = Courier(store.audit_log, loop)
    gate = Gate(store.log, keyring, WrongKeys(), views.reached, settings.proxies)
    app = create_app(
        gate=gate,
        actions=Actions(courier, views, new_id, settings.newest_first),
        output=Output(courier),
        relationships=Relationships(courier, views),
        keys=Keys(courier, store.log, keyring, new_id),
        streams=Streams(gate, store.log, tail, followers),
        history=History(gate, store.log),
        health=Health(store.log, store.queued, reader, runner),
        description=Description(),
    )
    runner.start()
    watching = loop.create_task(followers.watch())
    try:
        yield app
    finally:
        watching.cancel()
        await asyncio.to_thread(runner.close)
        await asyncio.to_thread(store.close)
        reader.close()
