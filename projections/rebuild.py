"""Builds a new generation of the views beside the one in use, from position 1, then swaps."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from deedbook.domain.errors import Unavailable, Undecodable
from deedbook.domain.log import EventLog
from deedbook.projections.generations import Generations
from deedbook.projections.view import Views

#: Events folded in one transaction while building: nobody reads, so larger batches only save work.
BATCH = 10_000


class Progress(NamedTuple):
    """How far a build has come: events folded, and events that were there when it was asked."""

    done: int
    of: int


class BuildAbandoned(Unavailable):
    """The process is closing; the next one begins anew."""


def build(
    log: EventLog,
    generations: Generations,
    abandoned: Callable[[], bool] = lambda: False,
    progress: Callable[[Progress], None] = lambda _: None,
) -> Path:
    """Build a generation of all that is in the log, put it in its place, and return its path.

    Killed in the middle, it leaves the old generation answering. An event that can't be read ends the new one there,
    as it would the old: the runner finds it again and says so. Raises `BuildAbandoned` when `abandoned()` says so,
    `AlreadyBuilding` while another one builds.
    """
    with generations.building() as building:
        views = Views(building, bulk=True)
        try:
            _fold(log, views, abandoned, progress)
            views.finish()
        finally:
            views.close()
        return generations.publish(building)


def _fold(log: EventLog, views: Views, abandoned: Callable[[], bool], progress: Callable[[Progress], None]) -> None:
    head = log.head()
    while not abandoned():
        try:
            happened = log.read(views.tracking.position, BATCH)
        except Undecodable:
            return
        if not happened:
            return
        views.apply(happened)
        progress(Progress(views.tracking.position, max(head, views.tracking.position)))
    raise BuildAbandoned("The views were not built: the server is stopping.")
