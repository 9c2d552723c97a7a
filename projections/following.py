"""Folds what a log has behind its views into them: whoever keeps them up does so, in a thread or in a process."""

from collections.abc import Callable

from deedbook.domain.errors import Undecodable
from deedbook.domain.log import EventLog
from deedbook.projections.ahead import WEIGHT, weight
from deedbook.projections.milestones import EVERY
from deedbook.projections.preparing import prepare
from deedbook.projections.view import Views

#: Events folded in one transaction: the fewest that are read at once, and the most, while many are behind.
#: What comes in no order touches most pages of most indexes: measured, 94 us an event by 4,096, 128 by 1,000; and of
#: another 210,000, 87 by 4,096, 74 by 8,192, 71 by 16,384, for which whoever asks meanwhile would wait 1.5 s, not 0.9.
FEWEST, MOST = 1000, 2 * EVERY


class Following:
    """Catches up with a log as often as it is told to."""

    def __init__(self, log: EventLog, views: Views, told: Callable[[int], None], is_over: Callable[[], bool]) -> None:
        """`told` is told the position after each transaction; nothing more is folded once `is_over()` says so."""
        self._log = log
        self._views = views
        self._told = told
        self._is_over = is_over
        self._changes: int | None = None
        self._limit = FEWEST

    def catch_up(self) -> None:
        """Fold all that was committed since the last time.

        Raises `Undecodable` where an event can't be read: the views then stand before it, and say so.
        """
        changes = self._log.changes()
        if changes == self._changes:
            return
        self._changes = changes
        # Only what was there by now: who folded until nothing is left, while more comes, would do so a few at a time.
        # Measured at 64 connections: 15 to 20 at a time and 130 µs an event, where it is 135 to 250, and 95.
        head = self._log.head()
        while self._views.tracking.position < head:
            if self._is_over() or not self._fold():
                return
        self._views.go_on()

    def _fold(self) -> bool:
        """Fold a batch; tell whether there was one."""
        position = self._views.tracking.position
        # Where many are behind, up to a milestone, where a part of the batch would end anyway.
        asked = min(self._limit, MOST - position % EVERY)
        try:
            happened = self._log.read(position, asked)
        except Undecodable as error:
            self._views.stop(error.position, error.reason)
            raise
        if not happened:
            return False
        batch = prepare(happened)
        self._views.write(batch)
        self._limit = _next_limit(asked, len(happened), weight(batch))
        self._told(batch.position)
        return True


def _next_limit(asked: int, events: int, bytes_: int) -> int:
    """Return how many events to read next: more while there are many, fewer where each has much to say."""
    wanted = MOST if events == asked else FEWEST
    return max(1, min(wanted, 2 * events, events * WEIGHT // max(1, bytes_)))
