"""The composition root: where everything is built, from settings, and the only place that knows the store."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import closing
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar
from uuid import UUID

from starlette.types import ASGIApp

from deedbook.domain.audit_log import AuditLog, Tried
from deedbook.domain.errors import StoreFailed, StoreUnusable, Unavailable
from deedbook.domain.finding import Finding, Progress
from deedbook.domain.log import EventLog, Whole
from deedbook.domain.merkle import TreeHead
from deedbook.domain.store.archive_export import export
from deedbook.domain.store.archive_file import written_to
from deedbook.domain.store.archive_import import Taken, take_in
from deedbook.domain.store.clock import now
from deedbook.domain.store.place import Place, Store
from deedbook.domain.store.places import place_of, replicated
from deedbook.domain.store.sqlite.read_only import ReadOnly
from deedbook.domain.store.verify import Checked, verify
from deedbook.projections.generations import Generations
from deedbook.projections.reader import Reader
from deedbook.projections.runner import Runner
from deedbook.projections.sharing import Sharing
from deedbook.projections.verify import Compared, open_views, verify_views
from deedbook.web.actions import Actions
from deedbook.web.admin import Admin
from deedbook.web.app import create_app
from deedbook.web.as_of import Moments
from deedbook.web.auth import Keyring, WrongKeys
from deedbook.web.beside import Beside
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
from deedbook.web.output import Output
from deedbook.web.problems import Refusals
from deedbook.web.relationships import Relationships
from deedbook.web.searches import Searches
from deedbook.web.sessions import Sessions, secret_in
from deedbook.web.settings import DEFAULT_VIEWS, Settings
from deedbook.web.streams import Streams
from deedbook.web.tail import Tail
from deedbook.web.tickets import Tickets
from deedbook.web.timeline import Timelines
from deedbook.web.users import Users
from deedbook.web.views import CaughtUpViews


class Opened(NamedTuple):
    """A store that is open, and where its views are; `told` is its URL without a password."""

    told: str
    log: EventLog
    audit_log: AuditLog
    generations: Generations
    queued: Callable[[], int]
    on_commit: Callable[[Callable[[], None]], None]
    on_news: Callable[[Callable[[], None]], None]
    on_try: list[Callable[[Tried], None]]
    close: Callable[[], None]


def open_store(settings: Settings) -> Opened:
    """Open the store that the settings name, making it where there is none; raises `StoreUnusable`."""
    place = place_of(settings.url)
    store = place.open(queue=settings.queue)
    log, close_replica = _log_of(store, settings)
    return Opened(
        place.told,
        log,
        store.audit_log,
        Generations(views_of(settings, place)),
        lambda: store.writer.queued,
        store.writer.on_commit,
        store.on_news,
        store.writer.on_try,
        partial(_close, close_replica, store.close),
    )


def _close(*parts: Callable[[], None]) -> None:
    for part in parts:
        part()


def _log_of(store: Store, settings: Settings) -> tuple[EventLog, Callable[[], None]]:
    """Return what the store is read from, and what closes that beside it."""
    if settings.read_url is None:
        return store.log, lambda: None
    try:
        return replicated(store.log, settings.read_url)
    except BaseException:
        store.close()
        raise


def views_of(settings: Settings, place: Place) -> Path:
    """Return the folder of this node's views."""
    return settings.views or place.views or DEFAULT_VIEWS


def check_place(settings: Settings, *, must_exist: bool = False) -> None:
    """Raise `StoreUnusable` where the settings name no store that can be, or (`must_exist`) none that is there."""
    place = place_of(settings.url)
    if must_exist and not place.exists():
        raise StoreUnusable(f"There is no store at {place.told}; `deedbook serve` or `load` makes one.")


class Copying:
    """What copies a store whole, or makes one of copies; the store itself is not opened for commands."""

    def __init__(self, settings: Settings) -> None:
        """Raises `StoreUnusable` where the settings name no store that can be."""
        self._place = place_of(settings.url)

    def back_up(self, place: Path, progress: Callable[[int, int], None]) -> Whole:
        """Copy the store to a new file; see `Place.back_up`."""
        return self._place.back_up(place, progress)

    def export(self, after: int, place: Path | None, progress: Callable[[int, int], None]) -> Whole:
        """Write what is behind a position to a new file, or standard output; see `archive_export.export`."""
        with self._place.snapshot() as seen, written_to(place) as out:
            return export(seen, after, version("deedbook"), out, progress)

    def take_in(self, files: Iterable[Path], progress: Callable[[Path, int], None]) -> list[Taken]:
        """Read exports into the store, all of them or none; see `archive_import.take_in`."""
        with self._place.intake() as taking:
            return [take_in(taking, path, partial(progress, path)) for path in files]


#: From so many events on, a second process pays: it takes half a second to begin.
BESIDE = 50_000

Outcome = TypeVar("Outcome")


class Verified(NamedTuple):
    """What a check of a whole store came to: of its log, of its views, and all that was found."""

    log: Checked
    views: Compared
    findings: Sequence[Finding]


def verify_store(
    settings: Settings, noted: TreeHead | None, progress: Callable[[Progress], None], beside: int = BESIDE
) -> Verified:
    """Check the store that the settings name, and its views, as they are now, changing nothing; `noted`: its head once.

    From `beside` events on the views are checked in a process of their own. Raises `StoreUnusable` where there is no
    store. One that nobody had open, and that changed all the same while it was read, is read again.
    """
    place = place_of(settings.url)
    while True:
        if _size(place) < beside:
            views = _verified_views(settings, progress)
            log = _verified_log(place, noted, progress)
        else:
            with Beside(_verified_views, settings) as other:
                log = _verified_log(place, noted, progress)
                views = other.outcome(progress)
        if log.is_true and views.is_true:
            return Verified(log.outcome, views.outcome, [*log.findings, *views.findings])


def _size(place: Place) -> int:
    # A store that is too broken to be counted is small; the check itself then says what is broken.
    with closing(place.whole()) as store, contextlib.suppress(StoreFailed):
        return store.head()
    return 0


class _Part(NamedTuple, Generic[Outcome]):
    """What came of a part of the check; not `is_true`: what was read changed meanwhile."""

    outcome: Outcome
    findings: list[Finding]
    is_true: bool


def _verified_log(place: Place, noted: TreeHead | None, progress: Callable[[Progress], None]) -> _Part[Checked]:
    findings: list[Finding] = []
    with closing(place.whole()) as store:
        return _Part(verify(store, noted, findings.append, progress), findings, store.is_true())


def _verified_views(settings: Settings, progress: Callable[[Progress], None]) -> _Part[Compared]:
    findings: list[Finding] = []
    place = place_of(settings.url)
    with contextlib.ExitStack() as stack:
        # The views first: of the log, which only grows, there is then at least what they have read.
        opened = open_views(Generations(views_of(settings, place)), ReadOnly, findings.append)
        if opened is not None:
            stack.callback(opened.file.close)
        store = stack.enter_context(closing(place.whole()))
        compared = verify_views(opened, store, findings.append, progress)
        return _Part(compared, findings, store.is_true() and (opened is None or opened.file.is_true()))


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
    moments = Moments(store.log, now)
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
        for task in watching:
            task.cancel()
        await uses.note(LAST)
        await asyncio.to_thread(builder.close)
        if sharing is not None:
            await asyncio.to_thread(sharing.close)
        await asyncio.to_thread(runner.close)
        await asyncio.to_thread(store.close)
        reader.close()


def _sharing(settings: Settings, store: Opened) -> Sharing | None:
    if settings.snapshots is None:
        return None
    events, minutes = settings.snapshot_events, settings.snapshot_minutes
    return Sharing(settings.snapshots, store.log, store.generations, events, minutes)
