"""Builds a new generation of the views beside the one in use, from position 1, checks it, then swaps.

The log goes on meanwhile. So after the bulk fold, and after each step that takes long, what came since is folded as the
runner would, until next to nothing is missing: right after the swap no reader waits longer than at any other time.
"""

import gc
import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from deedbook.domain.errors import DeedbookError, Unavailable, Undecodable
from deedbook.domain.log import EventLog
from deedbook.projections.ahead import Ahead, batches
from deedbook.projections.generations import Claim, Generations, sync
from deedbook.projections.prepared import Prepared
from deedbook.projections.preparing import prepare
from deedbook.projections.progress import Phase, Progress, Telling, now
from deedbook.projections.versions import broken_laws, damages
from deedbook.projections.view import Views, tracking

#: From so many events on other processes read ahead: they take a quarter of a second to begin.
AHEAD = 50_000

#: Events folded in one transaction once there are indexes.
CATCHING_UP = 1000

#: Catching up ends when so few events are missing, or after so many rounds: the log may grow faster than it is folded.
NEXT_TO_NOTHING, ROUNDS = 20, 10

#: How many events of each topic were folded.
Folded = Counter[str]


class BuildAbandoned(Unavailable):
    """The process is closing; the next one begins anew."""

    def __init__(self) -> None:
        super().__init__("The views were not built: the server is stopping.")


class Unsound(DeedbookError):
    """The new views are not what they must be; those that there were answer on."""

    def __init__(self, findings: str) -> None:
        super().__init__(f"The new views are not sound, so they were thrown away: {findings}.")


def build(
    log: EventLog,
    generations: Generations,
    abandoned: Callable[[], bool] = lambda: False,
    progress: Callable[[Progress], None] = lambda _: None,
    *,
    because: str = "it was asked for",
    claim: Claim | None = None,
    ahead: int = AHEAD,
) -> Path:
    """Build a generation of all that is in the log, put it in its place, and return its path.

    Killed in the middle, it leaves the old generation answering. An event that can't be read ends the new one there,
    as it would the old, and the new one says so. `claim`: the right to build, where the caller has it already; `ahead`:
    from so many events on other processes read them (`ahead.py`).

    Raises `BuildAbandoned` soon after `abandoned()` says so, `AlreadyBuilding` while another one builds, `StoreFailed`
    where the log can't be read, and `Unsound` where the new views break a law; then the old ones answer on.
    """
    claim = claim or generations.claim()
    begun = Progress(claim.generation, os.getpid(), because, started=now())
    telling = Telling(begun, generations.last_build(claim), generations.tell, progress)
    with generations.building(claim) as building, telling:
        try:
            folded = _fold_all(log, building, abandoned, telling, ahead)
            sync(building)
            _complete(log, building, abandoned, telling, folded)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
                raise BuildAbandoned from error
            raise
        published = generations.publish(building)
    generations.retire(published)
    return published


def _fold_all(log: EventLog, building: Path, abandoned: Callable[[], bool], telling: Telling, ahead: int) -> Folded:
    """Make a file of all that is in the log, with its indexes; return how many events of each type are in it."""
    views = Views(building, bulk=True)
    try:
        views.interrupt_when(abandoned)
        with _uncollected():
            folded = _fold(log, views, abandoned, telling, ahead)
        telling.at(Phase.INDEXING)
        views.finish()
    finally:
        views.close()
    return folded


@contextmanager
def _uncollected() -> Iterator[None]:
    """Spare the garbage collector, which finds nothing in a fold: measured, an eighteenth of its time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _complete(log: EventLog, building: Path, abandoned: Callable[[], bool], telling: Telling, folded: Folded) -> None:
    """Fold what came since, check the file, and fold what came meanwhile; then the file is whole by itself."""
    views = Views(building, must_exist=True)
    try:
        views.interrupt_when(abandoned)
        _catch_up(log, views, abandoned, telling, folded)
        telling.at(Phase.CHECKING)
        _check(log, views, folded)
        _catch_up(log, views, abandoned, telling, folded)
        views.settle()
    finally:
        views.close()


def _fold(log: EventLog, views: Views, abandoned: Callable[[], bool], telling: Telling, ahead: int) -> Folded:
    """Read and fold the log from the beginning to its end, or to an event that can't be read."""
    folded: Folded = Counter()
    head = log.head()
    with _prepared(log, abandoned, is_long=head >= ahead) as prepared:
        for batch in prepared:
            if abandoned():
                break
            views.write(batch)
            folded.update(batch.topics)
            telling.folded(batch.position, head)
    if abandoned():
        raise BuildAbandoned
    return folded


@contextmanager
def _prepared(log: EventLog, abandoned: Callable[[], bool], *, is_long: bool) -> Iterator[Iterator[Prepared]]:
    """Give the batches of a log, which other processes prepare where it is long."""
    if not is_long:
        yield batches(log)
        return
    with Ahead(log.elsewhere()) as ahead:
        yield ahead.batches(abandoned)


def _catch_up(log: EventLog, views: Views, abandoned: Callable[[], bool], telling: Telling, folded: Folded) -> None:
    """Fold what came since, in rounds of which each has less to do than the one before."""
    telling.at(Phase.CATCHING_UP)
    for _ in range(ROUNDS):
        head = log.head()
        if head - views.tracking.position <= NEXT_TO_NOTHING:
            return
        while views.tracking.position < head:
            if abandoned():
                raise BuildAbandoned
            try:
                happened = log.read(views.tracking.position, CATCHING_UP)
            except Undecodable as error:
                views.stop(error.position, error.reason)
                return
            batch = prepare(happened)
            views.write(batch)
            folded.update(batch.topics)
            telling.folded(views.tracking.position, head)


def _check(log: EventLog, views: Views, folded: Folded) -> None:
    """Hold the file against what was folded into it; raises `Unsound`."""
    at = tracking(views.db)
    findings = [*damages(views.db), *broken_laws(views.db, folded)]
    if at.position != folded.total():
        findings.append(f"it stands at position {at.position:,} after {folded.total():,} events")
    if at.position and log.recorded(at.position) != at.recorded:
        findings.append(f"the log has no such event at position {at.position:,}")
    if findings:
        raise Unsound("; ".join(findings))
