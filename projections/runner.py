"""Keeps the views up with the log: one runner for each store leads, whatever number of processes there are.

The others wait for its lock, which the kernel frees when it dies, and take over within a second. An event that can't be
read stops the views at that position, for all to see; the runner then lets go of the lock, so that a newer version that
can read it may lead.

How it folds into one generation is in `leading.py`.
"""

import fcntl
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from deedbook.domain.errors import DeedbookError, Unavailable, Undecodable
from deedbook.domain.log import EventLog
from deedbook.projections.fitness import unfit
from deedbook.projections.generations import AlreadyBuilding, Generations, inode_of
from deedbook.projections.leading import Leading
from deedbook.projections.rebuild import BuildAbandoned, build
from deedbook.projections.versions import is_damage

#: How often one that does not lead tries to.
TAKE_OVER_SECONDS = 0.5

#: Events that are built from in the runner's own thread, though it shares its process: in less than half a second.
FEW = 20_000

#: A build that came to nothing is repeated after ten times as long as it took, so that it takes no core for ever; but
#: after so many seconds at the most.
IN_VAIN, PATIENCE_SECONDS = 10, 60.0

#: How long somebody else's build is let be, in seconds, until it is looked what came of it.
_STEP = 0.05

#: How long closing waits for the transaction that is under way, in seconds; cut off, it is undone.
_CLOSING = 1.5

#: Builds a generation elsewhere, for a reason, unless it is abandoned; returns when it answers, raises as `build`.
Build = Callable[[str, Callable[[], bool]], None]

#: Takes a snapshot as the generation that answers, for a reason, unless that is abandoned; None where none fits.
Take = Callable[[str, Callable[[], bool]], Path | None]

_log = logging.getLogger(__name__)


class Runner:
    """Projects in a thread of its own, while it holds the store's projection lock."""

    def __init__(
        self, log: EventLog, generations: Generations, build: Build | None = None, take: Take | None = None
    ) -> None:
        """`build` builds long logs elsewhere than in the runner's thread; `take` spares it to build at all."""
        self._log = log
        self._generations = generations
        self._build = build
        self._take = take
        self._lock = generations.folder / "views-lock"
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="deedbook-runner", daemon=True)
        #: Told after each transaction, from the runner's thread: the position that the views have reached.
        self.on_progress: list[Callable[[int], None]] = []
        #: Told about twice a second, from the runner's thread: to let go of generations that answer no more.
        self.on_look: list[Callable[[], None]] = []
        #: Why the last try to lead failed; None while all is well.
        self.failure: str | None = None
        self.leads = False
        self._leading: Leading | None = None
        self._looked = self._build_again_at = 0.0

    def start(self) -> None:
        """Begin to project, or to wait for the lock."""
        self._thread.start()

    def wake(self) -> None:
        """Project at once what was committed: somebody waits for it."""
        leading = self._leading
        if leading is not None:
            leading.wake()

    def close(self) -> None:
        """Finish the transaction that is under way, let go of the lock, and return."""
        self._closing.set()
        self.wake()
        self._thread.join(_CLOSING)

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                # Opened anew each time: it may be deleted, as any file of the views, and then another is the lock.
                lock = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except OSError as error:
                self._failed(str(error))
            else:
                try:
                    if _taken(lock):
                        self._try_to_lead(lock)
                    else:
                        # Somebody else leads: whether that goes well is theirs to tell.
                        self.failure = None
                finally:
                    os.close(lock)
            self._look()
            self._closing.wait(TAKE_OVER_SECONDS)

    def _try_to_lead(self, lock: int) -> None:
        """Lead, while the lock that is taken, in the descriptor `lock`, is the one that others find."""
        self.leads = True
        try:
            while not self._closing.is_set() and self._holds(lock):
                self._lead(self._ready(), lock)
        except (Undecodable, BuildAbandoned):
            pass
        except (DeedbookError, sqlite3.Error, OSError) as error:
            # A full disk, a newer release's file: it is said on /health, and it is tried again.
            self._failed(str(error))
        except Exception as error:  # noqa: BLE001  # a runner that died unseen would leave views behind for ever
            if self.failure is None:
                _log.exception("The views can't be kept up with the log.")
            self.failure = f"{type(error).__name__}: {error}"
        finally:
            self.leads = False

    def _failed(self, why: str) -> None:
        if self.failure is None:
            _log.warning("The views can't be kept up with the log: %s", why)
        self.failure = why

    def _ready(self) -> Path:
        """Return the file to go on with; built anew where there is none that fits the log and this release."""
        while True:
            current = self._generations.current()
            why = unfit(current, self._generations, self._log)
            if current is not None and why is None:
                self._generations.retire(current)
                return current
            self._rebuild(why or "")

    def _rebuild(self, because: str) -> None:
        began = time.monotonic()
        if began < self._build_again_at:
            raise Unavailable(self.failure or because)
        if because != "there were no views":
            _log.warning("The views are built anew: %s.", because)
        try:
            if self._take is not None and self._take(because, self._closing.is_set) is not None:
                return
            # Few events take no longer than another process takes to start; many would hold up who shares this one.
            if self._build is not None and self._log.head() > FEW:
                self._build(because, self._closing.is_set)
            else:
                build(self._log, self._generations, self._closing.is_set, because=because)
        except AlreadyBuilding:
            # Somebody else is at it: what comes of it is looked at soon.
            self._closing.wait(_STEP)
        except (DeedbookError, sqlite3.Error, OSError):
            now = time.monotonic()
            self._build_again_at = now + min(IN_VAIN * (now - began), PATIENCE_SECONDS)
            raise

    def _lead(self, path: Path, lock: int) -> None:
        """Project into one generation, until another is put in its place, or until it is found to be damaged."""
        inode = inode_of(str(path))
        goes_on = partial(self._goes_on, path, lock)
        self._leading = Leading(self._log, path, lock, self._closing, goes_on, self._reached)
        try:
            self._leading.run()
        except sqlite3.Error as error:
            if is_damage(error):
                self._generations.condemn(path, inode)
            elif inode_of(str(path)) == inode:
                raise
        finally:
            self._leading = None

    def _goes_on(self, path: Path, lock: int) -> bool:
        if self._generations.current() != path:
            return False
        if time.monotonic() - self._looked <= TAKE_OVER_SECONDS:
            return True
        self._looked = time.monotonic()
        self._look()
        return self._holds(lock)

    def _holds(self, lock: int) -> bool:
        return inode_of(str(self._lock)) == os.fstat(lock).st_ino

    def _reached(self, position: int) -> None:
        self.failure = None
        for call in self.on_progress:
            call(position)

    def _look(self) -> None:
        for call in self.on_look:
            call()


def _taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
