"""Keeps the views up with the log: one runner for each store leads, whatever number of processes there are.

The others wait for its lock, which the kernel frees when it dies, and take over within a second. An event that can't be
read stops the views at that position, for all to see; the runner then lets go of the lock, so that a newer version that
can read it may lead.
"""

import fcntl
import logging
import os
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

from deedbook.domain.errors import DeedbookError, Undecodable
from deedbook.domain.log import EventLog
from deedbook.projections.generations import Generations
from deedbook.projections.rebuild import build
from deedbook.projections.view import SCHEMA_VERSION, Views, connect

#: Events folded in one transaction.
BATCH = 1000

#: The pace while nobody waits: measured, batches of 25 ms halve what an event costs the recording beside it.
PACE_SECONDS = 0.025

#: How often one that does not lead tries to.
TAKE_OVER_SECONDS = 0.5

#: How long closing waits for the transaction that is under way, in seconds; cut off, it is undone.
_CLOSING = 2.0

_log = logging.getLogger(__name__)


class Runner:
    """Projects in a thread of its own, while it holds the store's projection lock."""

    def __init__(self, log: EventLog, generations: Generations) -> None:
        self._log = log
        self._generations = generations
        self._woken = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="deedbook-runner", daemon=True)
        #: Told after each transaction, from the runner's thread: the position that the views have reached.
        self.on_progress: list[Callable[[int], None]] = []
        #: Why the last try to lead failed; None while all is well.
        self.failure: str | None = None
        self.leads = False

    def start(self) -> None:
        """Begin to project, or to wait for the lock."""
        self._thread.start()

    def wake(self) -> None:
        """Project at once what was committed: somebody waits for it."""
        self._woken.set()

    def close(self) -> None:
        """Finish the transaction that is under way, let go of the lock, and return."""
        self._closing.set()
        self._woken.set()
        self._thread.join(_CLOSING)

    def _run(self) -> None:
        lock = os.open(self._generations.folder / "views-lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            while not self._closing.is_set():
                if _taken(lock):
                    self._try_to_lead()
                    fcntl.flock(lock, fcntl.LOCK_UN)
                self._closing.wait(TAKE_OVER_SECONDS)
        finally:
            os.close(lock)

    def _try_to_lead(self) -> None:
        self.leads = True
        try:
            while not self._closing.is_set():
                self._lead(self._ready())
        except Undecodable:
            pass
        except (DeedbookError, sqlite3.Error, OSError) as error:
            # A full disk, a broken file: it is said on /health, readers get 503, and it is tried again.
            if self.failure is None:
                _log.warning("The views can't be kept up with the log: %s", error)
            self.failure = str(error)
        except Exception as error:  # noqa: BLE001  # a runner that died unseen would leave views behind for ever
            if self.failure is None:
                _log.exception("The views can't be kept up with the log.")
            self.failure = f"{type(error).__name__}: {error}"
        finally:
            self.leads = False

    def _ready(self) -> Path:
        """Return the file to go on with; built anew where there is none that fits the log and this version."""
        current = self._generations.current()
        if current is None or not _fits(current, self._log):
            current = build(self._log, self._generations, self._closing.is_set)
        self._generations.retire(current)
        return current

    def _lead(self, path: Path) -> None:
        """Project into one generation, until another is put in its place."""
        views = Views(path)
        seen = -1
        try:
            while not self._closing.is_set() and self._generations.current() == path:
                changes = self._log.changes()
                if changes != seen:
                    seen = changes
                    self._catch_up(views)
                self._pause()
        finally:
            views.close()

    def _catch_up(self, views: Views) -> None:
        while not self._closing.is_set():
            try:
                happened = self._log.read(views.tracking.position, BATCH)
            except Undecodable as error:
                views.stop(error.position, error.reason)
                raise
            if not happened:
                return
            views.apply(happened)
            self.failure = None
            for call in self.on_progress:
                call(views.tracking.position)

    def _pause(self) -> None:
        self._woken.wait(PACE_SECONDS)
        self._woken.clear()


def _taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _fits(path: Path, log: EventLog) -> bool:
    """Tell whether a file of views is of this version, and of this log: not of one that was replaced."""
    try:
        db = connect(path)
        try:
            if db.execute("PRAGMA user_version").fetchone()[0] != SCHEMA_VERSION:
                return False
            position, recorded = db.execute("SELECT position, recorded FROM tracking").fetchone()
        finally:
            db.close()
    except sqlite3.Error:
        return False
    return bool(position == 0 or log.recorded(position) == recorded)
