"""What the library asks a recorder for: the events of an aggregate, and those of the whole log."""

from collections.abc import Sequence
from uuid import UUID

from eventsourcing.persistence import Notification, StoredEvent

from deedbook.domain.store.sql.asking import Asked
from deedbook.domain.store.subscription import RecordedNotification

_SELECT = "SELECT aggregate, version, topic, state, position, recorded FROM events"

#: Greater than any position, version or count.
_MOST = 2**63 - 1


def select_events(
    sql: Asked, aggregate: UUID | str, gt: int | None, lte: int | None, limit: int | None, *, desc: bool
) -> list[StoredEvent]:
    """See `AggregateRecorder.select_events`."""
    of = aggregate if isinstance(aggregate, UUID) else UUID(aggregate)
    found = _select(
        sql,
        f"{_SELECT} WHERE aggregate = ? AND version > ? AND version <= ?"
        f" ORDER BY version {'DESC' if desc else 'ASC'} LIMIT ?",
        (of.bytes, _or(gt, -1), _or(lte, _MOST), _or(limit, _MOST)),
    )
    return [StoredEvent(e.originator_id, e.originator_version, e.topic, e.state) for e in found]


def select_notifications(
    sql: Asked, first: int, stop: int | None, topics: Sequence[str], limit: int
) -> list[Notification]:
    """Return up to `limit` events in order of position, from `first` to `stop`, of these topics or any."""
    among = f" AND topic IN ({','.join('?' * len(topics))})" if topics else ""
    return list(
        _select(
            sql,
            f"{_SELECT} WHERE position >= ? AND position <= ?{among} ORDER BY position LIMIT ?",
            (first, _or(stop, _MOST), *topics, limit),
        )
    )


def _select(sql: Asked, statement: str, parameters: Sequence[object]) -> list[RecordedNotification]:
    return [
        RecordedNotification(UUID(bytes=aggregate), version, topic, state, position, recorded)
        for aggregate, version, topic, state, position, recorded in sql.all(statement, parameters)
    ]


def _or(number: int | None, otherwise: int) -> int:
    return otherwise if number is None else number
