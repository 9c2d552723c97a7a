"""Snapshots of the views, in a folder that nodes share: a new node takes one instead of reading the whole log.

One file each, with a name that says all that is to be known before it is opened: whose log it is of (by the first
leaf), which release's views, how far they have read (and the leaf of that event), and the digest of the file. So two
nodes that leave the same one leave one, two that leave different ones don't meet, and half a file is known for what it
is. A file gets its name in one step, when it is whole and on disk. Nothing in the folder is ever opened by SQLite,
whose locks network file systems don't keep; what is taken is copied first (`taking.py`).
"""

import os
import re
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from hashlib import file_digest, sha256
from pathlib import Path
from typing import NamedTuple, Self
from uuid import uuid4

from deedbook.domain.log import EventLog
from deedbook.projections.generations import sync
from deedbook.projections.versions import FRAME, VIEWS, release_of
from deedbook.projections.view import connect, tracking

#: How many of one log and release are kept.
KEPT = 3

#: Those of other releases are kept for so long, in seconds: by then whoever upgrades, or goes back, has done so.
OTHERS = 7 * 24 * 3600.0

#: What nobody has written to for so long, in seconds, was being left by a node that died.
STALE = 600.0

#: Pages of 4 KiB copied at once, and how often what was copied is brought to disk, in such steps.
_STEP, _STEPS = 256, 64

_END, _LEAVING = ".views", ".leaving"
_NAME = re.compile(r"([0-9a-f]{16})-([0-9a-f]{8})-(\d+)-([0-9a-f]{16})-([0-9a-f]{64})")


class SnapshotName(NamedTuple):
    """What the name of a snapshot says.

    log: the first leaf of its log, in part; release: its views and their versions; position, last: of the last event
    that they have read, and that one's leaf, in part; digest: SHA-256 of the file. All but the position in hex.
    """

    log: str
    release: str
    position: int
    last: str
    digest: str

    @classmethod
    def parse(cls, path: Path) -> Self | None:
        """Return what a name says, None where it is that of no snapshot."""
        found = _NAME.fullmatch(path.name.removesuffix(_END))
        if found is None or path.suffix != _END:
            return None
        log, release, position, last, digest = found.groups()
        return cls(log, release, int(position), last, digest)

    def __str__(self) -> str:
        return f"{self.log}-{self.release}-{self.position:012}-{self.last}-{self.digest}{_END}"


class Left(NamedTuple):
    """A snapshot in the folder, and when it was left, in seconds since the epoch."""

    path: Path
    name: SnapshotName
    at: float


class Snapshots:
    """The snapshots in a folder, for one log and this release."""

    def __init__(self, folder: Path, log: EventLog) -> None:
        self.folder = folder
        self._log = log
        self.release = release_id()

    def there(self) -> list[Left]:
        """Return all snapshots, whosever, the farthest first; raises OSError where the folder can't be read."""
        found = []
        with suppress(FileNotFoundError):
            for path in self.folder.iterdir():
                name = SnapshotName.parse(path)
                with suppress(FileNotFoundError):
                    if name is not None:
                        found.append(Left(path, name, path.stat().st_mtime))
        return sorted(found, key=lambda left: (left.name.position, left.at), reverse=True)

    def unfit(self, name: SnapshotName) -> str | None:
        """Return why a snapshot is of no use here, as far as its name says; None where it may be."""
        if name.log != self._leaf(1):
            return "it is of another log"
        if name.release != self.release:
            return "its views are those of another release"
        if name.last != self._leaf(name.position):
            return f"this log has no such event at position {name.position:,}"
        return None

    def newest(self) -> Left | None:
        """Return the farthest that may be of use here, None where there is none."""
        return next((left for left in self.there() if self.unfit(left.name) is None), None)

    def is_being_left(self) -> bool:
        """Tell whether some node is leaving one now."""
        return any(not _is_stale(path) for path in self.folder.glob(f"*{_LEAVING}"))

    def leave(self, views: Path, abandoned: Callable[[], bool] = lambda: False) -> Path | None:
        """Leave a copy of a file of views as it is at this moment, durably, and return its path; it may be in use.

        None where there is nothing to leave: nothing is in the views, they stand still, or they are of another release;
        or where it was abandoned. Raises OSError, sqlite3.Error.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with closing(connect(views)) as db, self._fresh() as fresh:
            db.execute("BEGIN")
            at = tracking(db)
            log, last = self._leaf(1), self._leaf(at.position)
            if at.stopped_at is not None or not release_of(db).is_ours or log is None or last is None:
                return None
            if not _copied(db.conn, fresh, abandoned):
                return None
            with fresh.open("rb") as file:
                digest = file_digest(file, "sha256").hexdigest()
            sync(fresh)
            left = fresh.rename(self.folder / str(SnapshotName(log, self.release, at.position, last, digest)))
        sync(self.folder)
        return left

    def prune(self) -> None:
        """Remove what nobody needs: all but the last few of this log and release, and what was never finished."""
        ours = [left for left in self.there() if left.name.log == self._leaf(1)]
        ours.sort(key=lambda left: left.at, reverse=True)
        same = [left for left in ours if left.name.release == self.release]
        old = [left for left in ours if left.name.release != self.release and time.time() - left.at > OTHERS]
        for left in [*same[KEPT:], *old]:
            left.path.unlink(missing_ok=True)
        for path in self.folder.glob(f"*{_LEAVING}"):
            if _is_stale(path):
                path.unlink(missing_ok=True)

    def _leaf(self, position: int) -> str | None:
        stored = self._log.stored(position - 1, 1) if position else []
        return stored[0].leaf.hex()[:16] if stored else None

    @contextmanager
    def _fresh(self) -> Iterator[Path]:
        """Give a new file that is nobody else's; what is still there of it afterwards is removed."""
        fresh = self.folder / f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:8]}{_LEAVING}"
        # What the log holds may be confidential, and so is what is made of it.
        os.close(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        try:
            yield fresh
        finally:
            fresh.unlink(missing_ok=True)


def release_id() -> str:
    """Return what this release's views are, in eight digits: those with the same can go on with each other's."""
    held = ", ".join(sorted(f"{view.name} {view.version}" for view in VIEWS))
    return sha256(f"{FRAME}: {held}".encode()).hexdigest()[:8]


def _copied(source: sqlite3.Connection, fresh: Path, abandoned: Callable[[], bool]) -> bool:
    """Copy a database in which a transaction is open, which keeps the copy to one moment; False where abandoned."""
    steps = 0
    # Without locks: nobody else knows the file, and network file systems may have none.
    uri = f"{fresh.resolve().as_uri()}?mode=rw&vfs=unix-none"
    with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as copy, fresh.open("rb") as written:
        copy.execute("PRAGMA journal_mode = OFF")
        copy.execute("PRAGMA synchronous = OFF")

        def step(_status: int, _remaining: int, _total: int) -> None:
            nonlocal steps
            steps += 1
            if abandoned():
                raise InterruptedError
            if steps % _STEPS == 0:
                # Left to the end, one fsync of a large file would hold up those of the log.
                os.fdatasync(written.fileno())

        try:
            source.backup(copy, pages=_STEP, progress=step)
        except InterruptedError:
            return False
    return True


def _is_stale(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime > STALE
    except FileNotFoundError:
        return True
