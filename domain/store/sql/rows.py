"""The columns of each table, in their order, and what a row of each is."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from eventsourcing.persistence import StoredEvent

from deedbook.domain.keys import ApiKey, Role
from deedbook.domain.log import Counts, NumberedLine
from deedbook.domain.output import OutputLine
from deedbook.domain.store.leaf import leaf_of_row
from deedbook.domain.store.sql.asking import Asked

EVENTS = "SELECT position, aggregate, version, topic, recorded, state, leaf FROM events"
OUTPUT = "SELECT sequence, action, line, timestamp, text, digest FROM output"
KEPT = "SELECT namespace, key, request, result, position FROM idempotency"
KEYS = 'SELECT id, "user", namespace, role, secret_hash, created, revoked FROM api_keys'

HEAD = "SELECT position, recorded FROM events ORDER BY position DESC LIMIT 1"
LAST_SEQUENCE = "SELECT coalesce(max(sequence), 0) FROM output"
OUTPUT_END = "SELECT line, digest FROM output WHERE action = ? ORDER BY line DESC LIMIT 1"
USES = "SELECT key, used FROM key_uses"
USE = (
    "INSERT INTO key_uses (key, used) VALUES (?, ?)"
    " ON CONFLICT (key) DO UPDATE SET used = excluded.used WHERE excluded.used > key_uses.used"
)
REVOKE = "UPDATE api_keys SET revoked = ? WHERE id = ?"

_COUNTS = (
    "SELECT coalesce(max(position), 0) FROM events",
    LAST_SEQUENCE,
    "SELECT count(*) FROM api_keys",
    "SELECT count(*) FROM idempotency",
)

#: By their names. What a newer release beside this one calls its own stays a name.
_ROLES: Mapping[str, Role] = {str(role): role for role in Role}

#: A row of events: position, aggregate, version, topic, recorded, state, leaf.
EventRow = tuple[int, bytes, int, str, int, bytes, bytes]


def event_rows(events: Sequence[StoredEvent], position: int, recorded: int) -> list[EventRow]:
    """Return events as the rows behind a position, with their leaves."""
    return [
        event_row(number, _id(event).bytes, event.originator_version, recorded, event.topic, event.state)
        for number, event in enumerate(events, position + 1)
    ]


def _id(event: StoredEvent) -> UUID:
    aggregate = event.originator_id
    return aggregate if isinstance(aggregate, UUID) else UUID(aggregate)


def event_row(position: int, aggregate: bytes, version: int, recorded: int, topic: str, state: bytes) -> EventRow:
    """Return an event as a row, with its leaf."""
    proof = leaf_of_row(position, aggregate, version, topic, recorded, state)
    return position, aggregate, version, topic, recorded, state, proof


def output_row(sql: Asked, sequence: int, line: OutputLine) -> tuple[object, ...]:
    """Return a line of output as a row."""
    return sequence, line.action.bytes, line.line, line.timestamp, sql.storable(line.text), line.digest


def numbered_line(sql: Asked, row: Sequence[Any]) -> NumberedLine:
    """Return the line of output in a row of `OUTPUT`."""
    sequence, action, line, timestamp, text, digest = row
    return NumberedLine(sequence, OutputLine(UUID(bytes=action), line, timestamp, sql.text(text), digest))


def key_row(sql: Asked, key: ApiKey) -> tuple[object, ...]:
    """Return an API key as a row."""
    user = sql.storable(key.user)
    return key.id.bytes, user, key.namespace, str(key.role), key.secret_hash, key.created, key.revoked


def key_of(sql: Asked, row: Sequence[Any]) -> ApiKey:
    """Return the API key in a row of `KEYS`."""
    key, user, namespace, role, *rest = row
    return ApiKey(UUID(bytes=key), sql.text(user), namespace, _ROLES.get(role, role), *rest)


def counts(sql: Asked) -> Counts:
    """Return what a store holds."""
    return Counts(*(sql.all(question)[0][0] for question in _COUNTS))
