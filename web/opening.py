"""The store that settings name, opened for the program or copied whole; beside `verifying.py`, nothing else knows it.

It needs no part of the web, so that what works on a store alone begins at once.
"""

from collections.abc import Callable, Iterable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from deedbook.domain.audit_log import AuditLog, Tried
from deedbook.domain.errors import StoreUnusable
from deedbook.domain.log import EventLog, Whole
from deedbook.domain.store.archive_export import export
from deedbook.domain.store.archive_file import written_to
from deedbook.domain.store.archive_import import Taken, take_in
from deedbook.domain.store.clock import now
from deedbook.domain.store.place import Place, Store
from deedbook.domain.store.places import place_of, replicated
from deedbook.projections.generations import Generations
from deedbook.web.settings import DEFAULT_VIEWS, Settings


class Opened(NamedTuple):
    """A store that is open, and where its views are; `told` is its URL without a password.

    clock: what it records dates by, in microseconds since the epoch.
    """

    told: str
    clock: Callable[[], int]
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
        now,
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
