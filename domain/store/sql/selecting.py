"""What the library asks a recorder for: the events of an aggregate, those of the whole log, and a subscription."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from uuid import UUID

from eventsourcing.persistence import ApplicationRecorder, Notification, StoredEvent, Subscription

from deedbook.domain.store.sql.asking import Asked
from deedbook.domain.store.subscription import CatchUp, RecordedNotification

_SELECT = "SELECT aggregate, version, topic, state, position, recorded FROM events"

#: Greater than any position, version or count.
_MOST = 2**63 - 1


class SelectingRecorder(ApplicationRecorder, ABC):
    """The reading half of a recorder; `recorded` is notified when something was committed, as far as is known here."""

    recorded: threading.Condition

    @abstractmethod
    def asked(self) -> AbstractContextManager[Asked]:
        """Give what questions are asked of."""

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """Return the events of one aggregate in order of version, between `gt` (exclusive) and `lte`."""
        of = originator_id if isinstance(originator_id, UUID) else UUID(originator_id)
        found = self._select(
            f"{_SELECT} WHERE aggregate = ? AND version > ? AND version <= ?"
            f" ORDER BY version {'DESC' if desc else 'ASC'} LIMIT ?",
            (of.bytes, _or(gt, -1), _or(lte, _MOST), _or(limit, _MOST)),
        )
        return [StoredEvent(e.originator_id, e.originator_version, e.topic, e.state) for e in found]

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """Return up to `limit` events in order of position, from `start` to `stop`, of these topics or any."""
        first = 0 if start is None else start + (not inclusive_of_start)
        among = f" AND topic IN ({','.join('?' * len(topics))})" if topics else ""
        return self._select(
            f"{_SELECT} WHERE position >= ? AND position <= ?{among} ORDER BY position LIMIT ?",
            (first, _or(stop, _MOST), *topics, limit),
        )

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> Subscription[ApplicationRecorder]:
        """Return an endless iterator of the events behind position `gt`: those that are there, then each new one."""
        return CatchUp(self, self.recorded, gt, topics)

    def _select(self, statement: str, parameters: Sequence[object]) -> list[RecordedNotification]:
        with self.asked() as sql:
            return [
                RecordedNotification(UUID(bytes=aggregate), version, topic, state, position, recorded)
                for aggregate, version, topic, state, position, recorded in sql.all(statement, parameters)
            ]


def _or(number: int | None, otherwise: int) -> int:
    return otherwise if number is None else number
