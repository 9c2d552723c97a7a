"""Keeps one generation of the views up with the log, for as long as it answers: in this thread, or apart from it.

While little is recorded the thread folds by itself; from `BUSY` on a process does (`apart.py`), and the thread hears
from it. One that dies is an error to who leads, who then begins anew, in this thread.
"""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from deedbook.domain.errors import StoreFailed
from deedbook.domain.log import EventLog
from deedbook.projections.apart import Apart
from deedbook.projections.following import Following
from deedbook.projections.generations import inode_of
from deedbook.projections.versions import Damaged
from deedbook.projections.view import Views

#: The pace while nobody waits: measured, batches of 25 ms halve what an event costs the recording beside it, and those
#: of 50 ms take another fifth off; longer ones save little, and whoever comes to read would wait for more events.
PACE_SECONDS = 0.05

#: So many events within so many seconds are too many for a thread that shares its interpreter with recording: measured
#: at 64 connections, 0.40 of an empty POST where a process folds, 0.32 where a thread does.
BUSY, BUSY_SECONDS = 500, 0.5

#: How often it is looked whether all is as it was while a process folds, in seconds.
_LOOK = 0.05

#: When nothing was folded for so long, in seconds, the process ends.
QUIET_SECONDS = 60.0

_log = logging.getLogger(__name__)


class Leading:
    """Folds into the file of one generation, for who holds the lock."""

    def __init__(
        self,
        log: EventLog,
        path: Path,
        lock: int,
        closing: threading.Event,
        goes_on: Callable[[], bool],
        told: Callable[[int], None],
    ) -> None:
        """`lock`: the descriptor of the lock; `closing` ends it after the transaction that is under way.

        `goes_on` is asked at each look, some times a second; `told` is told the position after each transaction, and
        once when all goes well so far.
        """
        self._log = log
        self._path = path
        self._lock = lock
        self._goes_on = goes_on
        self._tell = told
        self._woken = threading.Event()
        self._closing = closing
        self._apart: Apart | None = None
        self._may_be_apart = not log.is_remote
        self._since = time.monotonic()
        self._before = 0
        #: The file's bytes when it was looked last: it only grows.
        self._size = 0

    def wake(self) -> None:
        """Look at once: somebody waits. From any thread."""
        self._woken.set()
        apart = self._apart
        if apart is not None:
            apart.wake()

    def run(self) -> None:
        """Keep up until it is over.

        Raises `Undecodable` where an event can't be read, sqlite3.Error where the file can't be folded into (`Damaged`
        where another was put in its place), `StoreFailed` where the log can't be read or the process came to nothing.
        """
        views = Views(self._path, must_exist=True)
        try:
            files, self._size = _files(self._path), _size(self._path)
            try:
                self._here(views, files)
            finally:
                # Closed last, it would take its journals along: the process has them open by now.
                views.close()
            self._there(files)
        finally:
            if self._apart is not None:
                self._apart.end()

    def _here(self, views: Views, files: "_Files") -> None:
        """Fold in this thread, until it is over or a process is ready."""
        self._since, self._before = time.monotonic(), views.tracking.position
        following = Following(self._log, views, self._told, self._is_enough)
        following.catch_up()
        self._tell(views.tracking.position)
        while not self._is_enough() and self._is_on(files):
            following.catch_up()
            self._woken.wait(PACE_SECONDS)
            self._woken.clear()

    def _there(self, files: "_Files") -> None:
        """Let the process fold, until it is over or there was nothing to fold for long."""
        if self._apart is None or self._closing.is_set():
            return
        self._apart.wake()
        heard = time.monotonic()
        while not self._closing.is_set() and self._is_on(files):
            position = self._apart.next(_LOOK)
            if position is not None:
                self._tell(position)
                heard = time.monotonic()
            elif time.monotonic() - heard > QUIET_SECONDS:
                return

    def _is_on(self, files: "_Files") -> bool:
        if not self._goes_on():
            return False
        if _files(self._path) != files:
            # Without its journal a file is not whole; another one of its name is looked at as any other.
            raise Damaged("another file was put in its place")
        before, self._size = self._size, _size(self._path)
        if self._size < before:
            # What reads none of the pages that are gone would not notice.
            raise Damaged("it was cut")
        return True

    def _is_enough(self) -> bool:
        return self._closing.is_set() or (self._apart is not None and self._apart.is_ready())

    def _told(self, position: int) -> None:
        self._tell(position)
        now = time.monotonic()
        if now - self._since < BUSY_SECONDS:
            return
        is_busy = position - self._before >= BUSY * (now - self._since) / BUSY_SECONDS
        self._since, self._before = now, position
        if is_busy and self._apart is None and self._may_be_apart:
            try:
                self._apart = Apart(self._log, self._path, PACE_SECONDS, self._lock)
            except StoreFailed as error:
                self._may_be_apart = False
                _log.warning("The views are folded beside recording, which takes longer: %s", error)


_Files = tuple[int | None, ...]


def _files(path: Path) -> _Files:
    """Return what tells a file and its two journals, which are there while it is open, from others of their names."""
    return tuple(inode_of(f"{path}{end}") for end in ("", "-wal", "-shm"))


def _size(path: Path) -> int:
    """Return the bytes of a file, 0 where it was deleted just now."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
