"""The catch-up subscription of the library's recorders: each event once, in order, whoever recorded it."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from eventsourcing.persistence import ApplicationRecorder, Notification, Subscription

#: How long a follower may be unaware of what another process committed. In this process it is woken.
POLL_SECONDS = 0.025

#: Events read at once.
_PAGE = 500


@dataclass(frozen=True)
class RecordedNotification(Notification):
    """A notification that knows when its event was recorded, in microseconds since the epoch."""

    recorded: int = 0


class CatchUp(Subscription[ApplicationRecorder]):
    """Reads on behind the last event that it gave, at once when `recorded` is notified, and else every now and then."""

    def __init__(
        self, recorder: ApplicationRecorder, recorded: threading.Condition, gt: int | None, topics: Sequence[str]
    ) -> None:
        super().__init__(recorder, gt, topics)
        self._recorded = recorded
        self._ready: Iterator[Notification] = iter(())

    def __next__(self) -> Notification:
        """Return the next event, blocking until there is one; StopIteration once the subscription was stopped."""
        while not self._has_been_stopped:
            found = next(self._ready, None)
            if found is not None:
                self._last_notification_id = found.id
                return found
            if not self._refill():
                with self._recorded:
                    self._recorded.wait(POLL_SECONDS)
        raise StopIteration

    def _refill(self) -> bool:
        found = self._recorder.select_notifications(
            self._last_notification_id, _PAGE, topics=self._topics, inclusive_of_start=False
        )
        self._ready = iter(found)
        return bool(found)

    def stop(self) -> None:
        """End the iteration, also one that waits."""
        super().stop()
        with self._recorded:
            self._recorded.notify_all()
