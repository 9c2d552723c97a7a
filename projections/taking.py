"""Takes a snapshot as the generation that answers: copied, checked against the log, and brought up to it first.

Checked is all that can be without reading the whole log: that the file is that which was left (its digest), that SQLite
finds no damage and the views keep their laws, and that they are of this log's own past. For the last, the tree head in
the snapshot is held against the log's leaves: its last complete subtree is made anew. Of n events that reads half of
log₂(n) on average, and always the last one, whose leaf covers its id, its date and its bytes.
"""

import logging
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path

from sqlite_utils import Database

from deedbook.domain.errors import Undecodable
from deedbook.domain.log import EventLog
from deedbook.domain.merkle import Frontier, grow
from deedbook.projections.generations import Claim, Generations
from deedbook.projections.head import frontier
from deedbook.projections.progress import Phase, Progress, Telling, now
from deedbook.projections.rebuild import BuildAbandoned
from deedbook.projections.snapshots import Left, Snapshots
from deedbook.projections.versions import broken_laws, damages, release_of
from deedbook.projections.view import Views, connect, tracking

#: Bytes copied, events folded and leaves hashed at once.
_BYTES, _EVENTS, _LEAVES = 4 * 1024 * 1024, 1000, 10_000

#: VM instructions of SQLite between two looks at whether to go on: some milliseconds.
_LOOK = 1_000_000

_log = logging.getLogger(__name__)


class Unfit(Exception):
    """A snapshot is not what it must be; it is not taken."""


class Taking:
    """Takes snapshots for one node: each at the most once, so that one that fails later is not taken for ever."""

    def __init__(self, snapshots: Snapshots, log: EventLog, generations: Generations) -> None:
        self._snapshots = snapshots
        self._log = log
        self._generations = generations
        self._tried: set[Path] = set()
        #: The position of the snapshot that was taken last, None where none was.
        self.taken: int | None = None
        #: How many were taken, and how many that looked right were found to be wrong.
        self.takes = self.refusals = 0
        #: By name, why each was passed over when one was needed last.
        self.passed_over: dict[str, str] = {}

    def take(self, because: str, abandoned: Callable[[], bool] = lambda: False) -> Path | None:
        """Let the farthest snapshot that fits answer, brought up to the log, and return the file of views it became.

        None where none fits: then the views are to be built from the log. Killed in the middle, it leaves the old
        generation answering. Raises `BuildAbandoned` soon after `abandoned()` says so, `AlreadyBuilding` while somebody
        builds or takes, and what a full disk raises.
        """
        self.passed_over = {}
        for left in self._there():
            why = self._snapshots.unfit(left.name) or ("it was taken before" if left.path in self._tried else None)
            if why is None:
                self._tried.add(left.path)
                try:
                    taken = self._take(left, because, abandoned)
                except Unfit as unfit:
                    self.refusals += 1
                    why = str(unfit)
                    _log.warning("The snapshot %s was not taken: %s.", left.path, why)
                else:
                    self.taken = left.name.position
                    self.takes += 1
                    return taken
            self.passed_over[left.path.name] = why
        return None

    def _there(self) -> list[Left]:
        try:
            return self._snapshots.there()
        except OSError as error:
            _log.warning("There may be snapshots, but their folder can't be read: %s", error)
            return []

    def _take(self, left: Left, because: str, abandoned: Callable[[], bool]) -> Path:
        claim = self._generations.claim()
        telling = Telling(_begun(claim, because), self._generations.last_build(claim), self._generations.tell, _nobody)
        with self._generations.building(claim) as building, telling:
            telling.at(Phase.COPYING)
            _copy(left, building, abandoned)
            _check(building, left, self._log, abandoned)
            views = Views(building, must_exist=True)
            try:
                telling.at(Phase.CATCHING_UP)
                self._catch_up(views, abandoned, telling)
                views.settle()
            finally:
                views.close()
            published = self._generations.publish(building)
        self._generations.retire(published)
        return published

    def _catch_up(self, views: Views, abandoned: Callable[[], bool], telling: Telling) -> None:
        """Fold what the log had when this began, or up to an event that can't be read, which the runner then meets."""
        head = self._log.head()
        while views.tracking.position < head:
            if abandoned():
                raise BuildAbandoned
            try:
                views.apply(self._log.read(views.tracking.position, _EVENTS))
            except Undecodable:
                return
            telling.folded(views.tracking.position, head)


def _begun(claim: Claim, because: str) -> Progress:
    return Progress(claim.generation, os.getpid(), because, started=now())


def _nobody(_progress: Progress) -> None:
    """Tell nobody else."""


def _copy(left: Left, building: Path, abandoned: Callable[[], bool]) -> None:
    """Copy a snapshot; raises `Unfit` where it is not the file that was left."""
    digest = sha256()
    with os.fdopen(os.open(building, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as copy:
        for part in _parts(left.path):
            if abandoned():
                raise BuildAbandoned
            digest.update(part)
            copy.write(part)
    if digest.hexdigest() != left.name.digest:
        raise Unfit("it is damaged, or not whole")


def _parts(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb", buffering=0) as file:
            while part := file.read(_BYTES):
                yield part
    except OSError as error:
        raise Unfit(f"it can't be read ({error.strerror})") from error


def _check(building: Path, left: Left, log: EventLog, abandoned: Callable[[], bool]) -> None:
    """Raise `Unfit` where a copy is not what its name says, and sound."""
    try:
        with closing(connect(building)) as db:
            db.conn.set_progress_handler(abandoned, _LOOK)
            finding = next(_findings(db, left, log), None)
    except (sqlite3.Error, ValueError) as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
            raise BuildAbandoned from error
        raise Unfit(f"SQLite can't read it ({error})") from error
    if finding is not None:
        raise Unfit(finding)


def _findings(db: Database, left: Left, log: EventLog) -> Iterator[str]:
    if not release_of(db).is_ours:
        yield "its views are those of another release"
        return
    at = tracking(db)
    if at.position != left.name.position or log.recorded(at.position) != at.recorded:
        yield f"this log has no such event at position {at.position:,}"
    if not _is_past_of(log, frontier(db), at.position):
        yield "its head is not one that this log had"
    yield from damages(db)
    yield from broken_laws(db)


def _is_past_of(log: EventLog, known: Frontier, position: int) -> bool:
    """Tell whether the last complete subtree of a tree of so many leaves is that of the log."""
    if known.size != position or not known.nodes:
        return False
    subtree, last = Frontier(), position & -position
    before = position - last
    while subtree.size < last and (page := log.stored(before + subtree.size, min(_LEAVES, last - subtree.size))):
        subtree = grow(subtree, [event.leaf for event in page])
    return subtree.nodes == known.nodes[-1:]
