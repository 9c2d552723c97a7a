"""All views of a store: one SQLite file, in which rows and tracking position change in the same transaction.

The file can be lost at any time: the log makes it anew. So nothing in it is synchronized to disk more than SQLite
needs to keep it whole, and projecting never waits for recording's lock, nor recording for it.
"""

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from sqlite_utils import Database

from deedbook.domain.events import Event, LaneEntered, LaneLeft, LaneStarted, ParentEnded, ParentStated
from deedbook.domain.log import Happened
from deedbook.projections import milestones
from deedbook.projections.actions import Actions
from deedbook.projections.head import Head
from deedbook.projections.relations import Relations
from deedbook.projections.terms import Terms

#: The version of the views' tables and folds: a file of another one is built anew.
SCHEMA_VERSION = 2


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

    def __init__(self, path: Path, *, bulk: bool = False) -> None:
        """Open the file, making it where it is missing. `bulk`: it is not read before `finish`."""
        # What the log holds may be confidential, and so is what is made of it.
        path.touch(mode=0o600)
        self._db = connect(path)
        self._bulk = bulk
        self._db.execute("PRAGMA journal_mode = " + ("OFF" if bulk else "WAL"))
        self._db.execute("PRAGMA synchronous = " + ("OFF" if bulk else "NORMAL"))
        self._db.execute("PRAGMA cache_size = -65536")
        if not self._db["tracking"].exists():
            with self._db.atomic():
                self._create()
        self._terms = Terms(self._db)
        self._relations = Relations(self._db, self._terms)
        self._actions = Actions(self._db, self._terms, self._relations, bulk=bulk)
        #: What takes in an event of each type; lanes say nothing that the actions in them don't.
        self._folds: dict[type[Event], Callable[[Happened], None]] = {
            **self._actions.folds,
            ParentStated: self._state_parent,
            ParentEnded: self._relations.end,
            **dict.fromkeys((LaneEntered, LaneStarted, LaneLeft), lambda _: None),
        }
        self._head = Head(self._db)
        self.tracking = tracking(self._db)

    def apply(self, happened: Sequence[Happened]) -> None:
        """Fold events that follow the tracking position, in one transaction with it; all of them or none."""
        if not happened:
            return
        try:
            with self._db.atomic():
                for part in milestones.split(happened):
                    self._fold(part)
                self._head.fold(happened)
                self._track(Tracking(happened[-1].position, happened[-1].recorded))
        except BaseException:
            for fold in (self._actions, self._relations, self._terms, self._head):
                fold.forget()
            self.tracking = tracking(self._db)
            raise

    def stop(self, position: int, reason: str) -> None:
        """Note that the event at `position` can't be read, for every reader to see."""
        self._track(self.tracking._replace(stopped_at=position, reason=reason))

    def finish(self) -> None:
        """After a bulk fold: make what was left for the end, and the file durable."""
        with self._db.atomic():
            self._actions.finish()
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _fold(self, happened: Sequence[Happened]) -> None:
        folds = self._folds
        for one in happened:
            folds[type(one.event)](one)
        self._actions.flush()
        milestones.reach(self._db, happened[-1].position)

    def _state_parent(self, happened: Happened) -> None:
        if not self._bulk:
            self._actions.flush()
        self._actions.list_below(self._relations.state(happened), happened.position)

    def _track(self, to: Tracking) -> None:
        self._db.execute("UPDATE tracking SET position = ?, recorded = ?, stopped_at = ?, reason = ?", tuple(to))
        self.tracking = to

    def _create(self) -> None:
        columns = {"position": int, "recorded": int, "stopped_at": int, "reason": str}
        self._db.create_table("tracking", columns, strict=True).insert(Tracking()._asdict())
        Terms.create(self._db)
        Relations.create(self._db)
        Actions.create(self._db)
        milestones.create(self._db)
        Head.create(self._db)
        if not self._bulk:
            Actions.create_indexes(self._db)
        self._db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def tracking(db: Database) -> Tracking:
    """Return how far the views in a file have read."""
    return Tracking(*db.execute("SELECT position, recorded, stopped_at, reason FROM tracking").fetchone())
