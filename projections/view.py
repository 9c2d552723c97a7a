"""All views of a store: one SQLite file, in which rows and tracking position change in the same transaction.

The file can be lost at any time: the log makes it anew. So nothing in it is synchronized to disk more than SQLite
needs to keep it whole, and projecting never waits for recording's lock, nor recording for it.
"""

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from sqlite_utils import Database

from deedbook.domain.log import Happened
from deedbook.projections import milestones
from deedbook.projections.actions import Actions
from deedbook.projections.head import Head
from deedbook.projections.prepared import Part, Prepared
from deedbook.projections.preparing import prepare
from deedbook.projections.relations import Relations
from deedbook.projections.searches import Searches
from deedbook.projections.terms import Terms
from deedbook.projections.versions import Damaged, note, rows_of

#: Pages of the journal that are brought into the file together, 4 MB: SQLite's own number. The disk has them to write
#: at once then, and whoever commits to the log waits behind: measured at 64 connections, the p99 of a durable POST is
#: 41 ms, where 64 MB made commits of 120 and a p99 of 100.
_TOGETHER = 1_000

#: So many, 64 MB, while there is much to catch up with. A batch that comes in no order of time touches some thousand
#: pages, most of which the next one touches too: measured, a quarter of a fold by fewer.
_CATCHING_UP = 16_000

#: Bytes of the journal that are kept when it begins anew. Whoever reads one state for long (`deedbook verify`, a
#: snapshot that is left) lets it grow by 6 kB an action, and it would be as large ever after.
_KEPT = 4096 * _CATCHING_UP

#: A batch of so many events is one of many.
_MANY = 1_000

#: VM instructions of SQLite between two looks at whether to go on: some milliseconds.
_LOOK = 1_000_000


class Tracking(NamedTuple):
    """How far the views have read.

    position: of the last event that is in them; recorded: its date, in microseconds since the epoch; stopped_at: the
    position of an event that can't be read, where they stand still; reason: why.
    """

    position: int = 0
    recorded: int = 0
    stopped_at: int | None = None
    reason: str | None = None


def connect(path: Path) -> Database:
    """Open a file of views that is there; transactions begin and end where we say."""
    uri = f"{path.resolve().as_uri()}?mode=rw"
    return Database(sqlite3.connect(uri, uri=True, isolation_level=None, timeout=10, check_same_thread=False))


class Views:
    """The writing side: folds events into one file. One at a time may be open; see `runner.py`."""

    def __init__(self, path: Path, *, bulk: bool = False, must_exist: bool = False) -> None:
        """Open the file, making it where it is missing. `bulk`: it is not read before `finish`."""
        if not must_exist:
            # What the log holds may be confidential, and so is what is made of it.
            path.touch(mode=0o600)
        self._db = connect(path)
        self._bulk = bulk
        self._db.execute("PRAGMA journal_mode = " + ("OFF" if bulk else "WAL"))
        self._db.execute("PRAGMA synchronous = " + ("OFF" if bulk else "NORMAL"))
        self._db.execute("PRAGMA cache_size = -65536")
        self._db.execute(f"PRAGMA journal_size_limit = {_KEPT}")
        if not self._db["tracking"].exists():
            with self._db.atomic():
                self._create()
        self._terms = Terms(self._db)
        self._relations = Relations(self._db, self._terms)
        self._actions = Actions(self._db, self._terms, self._relations, bulk=bulk)
        self._searches = Searches(self._db)
        self._head = Head(self._db)
        self.tracking = tracking(self._db)

    def apply(self, happened: Sequence[Happened]) -> None:
        """Fold events that follow the tracking position, in one transaction with it; all of them or none."""
        if happened:
            self.write(prepare(happened))

    def write(self, batch: Prepared) -> None:
        """Do so with events that are prepared already."""
        together = _TOGETHER if batch.position - self.tracking.position < _MANY else _CATCHING_UP
        self._db.execute(f"PRAGMA wal_autocheckpoint = {together}")
        try:
            with self._db.atomic():
                for part in batch.parts:
                    self._write(part)
                self._head.fold(batch.leaves)
                self._track(Tracking(batch.position, batch.recorded))
        except BaseException:
            for fold in (self._actions, self._relations, self._terms, self._head):
                fold.forget()
            self.tracking = tracking(self._db)
            raise

    def stop(self, position: int, reason: str) -> None:
        """Note that the event at `position` can't be read, for every reader to see."""
        self._track(self.tracking._replace(stopped_at=position, reason=reason))

    def go_on(self) -> None:
        """Note that the views stand still no longer, where they did."""
        if self.tracking.stopped_at is not None:
            self._track(self.tracking._replace(stopped_at=None, reason=None))

    def finish(self) -> None:
        """After a bulk fold: make what was left for the end, and the file durable."""
        # The sorter hands what fills the cache to another thread: measured, all indexes take five sixths of the time.
        self._db.execute("PRAGMA threads = 2")
        self._db.execute("PRAGMA cache_size = -2048")
        with self._db.atomic():
            self._actions.finish()
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    @property
    def db(self) -> Database:
        """The file, to be read."""
        return self._db

    def interrupt_when(self, abandoned: Callable[[], bool]) -> None:
        """Let even a long statement end soon once `abandoned()` says so, with an error."""
        self._db.conn.set_progress_handler(abandoned, _LOOK)

    def settle(self) -> None:
        """Bring all that was folded into the file itself, so that it is whole without its journal.

        Raises sqlite3.Error where that can't be done.
        """
        busy, frames, settled = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy or frames != settled:
            raise sqlite3.OperationalError("the new views could not be written whole: somebody else has them open")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _write(self, part: Part) -> None:
        # Relationships last: whatever the order, an action is listed below what came above it since the later of both.
        self._actions.fold(part)
        for relation in part.relations:
            if relation.is_over:
                self._relations.end(relation)
            else:
                self._actions.list_below(self._relations.state(relation), relation.position)
        for kept in part.searches:
            self._searches.keep(kept)
        milestones.reach(self._db, part.position)

    def _track(self, to: Tracking) -> None:
        tracked = self._db.execute(
            "UPDATE tracking SET position = ?, recorded = ?, stopped_at = ?, reason = ? WHERE position = ?",
            (*to, self.tracking.position),
        )
        if tracked.rowcount != 1:
            # Should two ever lead, since somebody deleted the lock between them: nothing is folded twice.
            raise sqlite3.OperationalError("somebody else folds into the same views")
        self.tracking = to

    def _create(self) -> None:
        columns = {"position": int, "recorded": int, "stopped_at": int, "reason": str}
        self._db.create_table("tracking", columns, strict=True).insert(Tracking()._asdict())
        Terms.create(self._db)
        Relations.create(self._db)
        Actions.create(self._db)
        milestones.create(self._db)
        Head.create(self._db)
        Searches.create(self._db)
        if not self._bulk:
            Actions.create_indexes(self._db)
        note(self._db)


def tracking(db: Database) -> Tracking:
    """Return how far the views in a file have read; raises `Damaged` where it holds none."""
    rows = rows_of(db, "SELECT position, recorded, stopped_at, reason FROM tracking")
    if not rows:
        raise Damaged("its tracking position is missing")
    return Tracking(*rows[0])


def stand(path: Path, reason: str) -> None:
    """Note in a file that nobody can fold into now why its readers need not wait."""
    db = connect(path)
    try:
        at = tracking(db)
        db.execute("UPDATE tracking SET stopped_at = ?, reason = ?", (at.position + 1, reason))
    finally:
        db.close()
