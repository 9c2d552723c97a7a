"""The composition root: where the server is wired, from settings."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from uuid import UUID

from starlette.types import ASGIApp

from deedbook.domain.errors import Unavailable
from deedbook.projections.reader import Reader
from deedbook.projections.runner import Runner
from deedbook.projections.sharing import Sharing
from deedbook.web.actions import Actions
from deedbook.web.admin import Admin
from deedbook.web.app import create_app
from deedbook.web.as_of import Moments
from deedbook.web.auth import Keyring, WrongKeys
from deedbook.web.builder import Builder
from deedbook.web.console.action_page import ActionPage
from deedbook.web.console.actions_page import ActionsPage
from deedbook.web.console.actions_parts import ActionsParts
from deedbook.web.console.api_page import ApiPage
from deedbook.web.console.api_reference import reference
from deedbook.web.console.assets import Assets
from deedbook.web.console.health_page import HealthPage
from deedbook.web.console.keys_page import KeysPage
from deedbook.web.console.nowhere import Nowhere
from deedbook.web.console.object_page import ObjectPage
from deedbook.web.console.page import Entrance
from deedbook.web.console.routes import console
from deedbook.web.console.searches_page import SearchesPage
from deedbook.web.console.sign_in import SignIn
from deedbook.web.console.templating import Templates
from deedbook.web.console.timeline_page import TimelinePage
from deedbook.web.console.users_page import UsersPage
from deedbook.web.courier import Courier
from deedbook.web.export import Exports
from deedbook.web.followers import Followers
from deedbook.web.gate import Gate
from deedbook.web.health import Health
from deedbook.web.history import History
from deedbook.web.ids import RandomIds
from deedbook.web.key_uses import LAST, KeyUses
from deedbook.web.keys import Keys
from deedbook.web.metrics import Commits, Metrics
from deedbook.web.objects import Objects
from deedbook.web.openapi import Description, description
from deedbook.web.opening import Opened, open_store
from deedbook.web.output import Output
from deedbook.web.problems import Refusals
from deedbook.web.relationships import Relationships
from deedbook.web.searches import Searches
from deedbook.web.sessions import Sessions, secret_in
from deedbook.web.settings import Settings
from deedbook.web.streams import Streams
from deedbook.web.tail import Tail
from deedbook.web.tickets import Tickets
from deedbook.web.timeline import Timelines
from deedbook.web.users import Users
from deedbook.web.views import CaughtUpViews

#: At the most so many namespaces are offered to choose from; any can be typed.
_NAMESPACES = 200


def _namespaces(reader: Reader) -> Sequence[str]:
    with contextlib.suppress(Unavailable), reader.snapshot() as snapshot:
        return snapshot.namespaces(_NAMESPACES)
    return ()


@contextlib.asynccontextmanager
async def running(settings: Settings, new_id: Callable[[], UUID] | None = None) -> AsyncIterator[ASGIApp]:
    """Open the store and give the web application on it; on leaving, what waits is recorded and everything closed.

    Raises `StoreUnusable` where the store can't be opened, ValueError where a setting makes no sense.
    """
    loop = asyncio.get_running_loop()
    new_id = new_id or RandomIds()
    store = open_store(settings)
    store.generations.folder.mkdir(parents=True, exist_ok=True)
    reader = Reader(store.generations)
    builder = Builder(settings, store.log, store.generations)
    sharing = _sharing(settings, store)
    runner = Runner(store.log, store.generations, builder.run, None if sharing is None else sharing.take)
    runner.on_look.append(reader.let_go)
    tail = Tail(store.log, loop)
    store.on_commit(tail.wake)
    store.on_news(tail.wake)
    keyring = Keyring(store.log)
    followers = Followers(keyring, settings.streams_per_key, settings.slow_follower)
    views = CaughtUpViews(store.log, reader, runner, loop)
    courier = Courier(store.audit_log, loop)
    wrong_keys = WrongKeys()
    sessions = Sessions(keyring, settings.session_secret or secret_in(store.generations.folder))
    refusals = Refusals()
    gate = Gate(store.log, keyring, wrong_keys, views.reached, settings.proxies, sessions, refusals)
    assets = Assets()
    templates = Templates(assets.path)
    moments = Moments(store.log, store.clock)
    entrance = Entrance(sessions, templates, settings.proxies, views.reached, partial(_namespaces, reader), refusals)
    keys = Keys(courier, store.log, keyring, new_id)
    actions = Actions(courier, views, moments, new_id, settings.newest_first)
    streams = Streams(gate, store.log, tail, followers)
    searches = Searches(courier, views, moments)
    health = Health(store.log, store.queued, reader, runner, store.generations, sharing)
    commits = Commits()
    store.on_try.append(commits.note)
    app = create_app(
        gate=gate,
        actions=actions,
        exports=Exports(actions, streams),
        timelines=Timelines(views, moments),
        output=Output(courier),
        relationships=Relationships(courier, views),
        users=Users(views),
        objects=Objects(views),
        searches=searches,
        admin=Admin(builder, store.generations),
        keys=keys,
        streams=streams,
        history=History(gate, store.log),
        health=health,
        metrics=Metrics(health, followers, refusals, commits, settings),
        description=Description(),
        pages=console(
            entrance=entrance,
            assets=assets,
            sign_in=SignIn(entrance, keyring, wrong_keys, Tickets(store.generations.folder)),
            action=ActionPage(courier, views, moments, store.log, templates, new_id),
            actions=ActionsPage(store.log, views, moments, templates),
            parts=ActionsParts(views, templates),
            timeline=TimelinePage(views, moments, templates),
            searches=SearchesPage(searches),
            health=HealthPage(templates, health, builder, store.generations),
            keys=KeysPage(templates, store.log, keys),
            objects=ObjectPage(templates, views),
            users=UsersPage(templates, views),
            api=ApiPage(templates, views, reference(description())),
        ),
        nowhere=Nowhere(entrance),
    )
    runner.start()
    uses = KeyUses(keyring, courier)
    watching = [loop.create_task(followers.watch()), loop.create_task(uses.watch())]
    if sharing is not None:
        sharing.start(lambda: runner.leads)
    try:
        yield app
    finally:
        # Long questions hold threads that the steps below need.
        reader.closing.set()
        for task in watching:
            task.cancel()
        await uses.note(LAST)
        await asyncio.to_thread(builder.close)
        # Each has its own bound, and none waits for the other.
        views_kept = [runner.close] if sharing is None else [sharing.close, runner.close]
        await asyncio.gather(*(asyncio.to_thread(close) for close in views_kept))
        await asyncio.to_thread(store.close)
        reader.close()


def _sharing(settings: Settings, store: Opened) -> Sharing | None:
    if settings.snapshots is None:
        return None
    events, minutes = settings.snapshot_events, settings.snapshot_minutes
    return Sharing(settings.snapshots, store.log, store.generations, events, minutes)
