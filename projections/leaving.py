"""Leaves snapshots by itself, from time to time: the node that keeps the views up, so that the next one need not."""

import logging
import random
import sqlite3
import threading
import time
from collections.abc import Callable

from deedbook.domain.errors import DeedbookError
from deedbook.projections.generations import Generations
from deedbook.projections.snapshots import Left, Snapshots
from deedbook.projections.view import connect, tracking

#: How often it is looked whether it is time, in seconds; each time up to a half more, so that nodes look one by one.
LOOK = 10.0

#: How long closing waits for a copy that is under way, which is given up, in seconds.
_CLOSING = 1.5

#: Its own: a thread that draws from the numbers that all of Python shares spoils them for who has seeded them.
_CHANCE = random.SystemRandom()

_log = logging.getLogger(__name__)


class Leaving:
    """A thread that leaves a snapshot where the newest there is `events` events behind, or older than `minutes`."""

    def __init__(self, snapshots: Snapshots, generations: Generations, events: int, minutes: float) -> None:
        self._snapshots = snapshots
        self._generations = generations
        self._leads: Callable[[], bool] = lambda: True
        self._events = events
        self._minutes = minutes
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="deedbook-snapshots", daemon=True)
        #: The newest that may be of use, as of the last look.
        self.newest: Left | None = None
        #: How many were left, and why none could be at the last look; None while all is well.
        self.left = 0
        self.failure: str | None = None

    def start(self, leads: Callable[[], bool]) -> None:
        """Begin; `leads` tells whether this process keeps the views up: of several that share them, one leaves."""
        self._leads = leads
        self._thread.start()

    def close(self) -> None:
        """Give up what is under way, and end; a folder that does not answer is not waited for."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(_CLOSING)

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                self._look()
                self.failure = None
            except (OSError, sqlite3.Error, DeedbookError) as error:
                if self.failure is None:
                    _log.warning("No snapshot can be left in %s: %s", self._snapshots.folder, error)
                self.failure = str(error)
            self._closing.wait(LOOK * (1 + _CHANCE.random() / 2))

    def _look(self) -> None:
        self.newest = self._snapshots.newest()
        if not self._leads() or not self._is_due() or self._snapshots.is_being_left():
            return
        current = self._generations.current()
        if current is not None and self._snapshots.leave(current, self._closing.is_set) is not None:
            self.left += 1
            self._snapshots.prune()
            self.newest = self._snapshots.newest()

    def _is_due(self) -> bool:
        position = self._position()
        if self.newest is None:
            return position > 0
        new = position - self.newest.name.position
        return new >= self._events or (new > 0 and time.time() - self.newest.at >= self._minutes * 60)

    def _position(self) -> int:
        current = self._generations.current()
        if current is None:
            return 0
        db = connect(current)
        try:
            return tracking(db).position
        finally:
            db.close()
