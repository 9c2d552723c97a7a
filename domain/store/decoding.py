"""Rows of events, as they are stored, to events: as far as this version can read them."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from deedbook.domain.errors import Undecodable
from deedbook.domain.events import Event
from deedbook.domain.log import Happened, Stored
from deedbook.domain.store.codec import decode

# A row is a `Stored`, or a tuple as one: position, aggregate, version, topic, recorded, state, leaf.
Row = Stored | tuple[int, bytes, int, str, int, bytes, bytes]


def decoded(position: int, topic: str, state: bytes) -> Event:
    """Return the event at a position; raises `Undecodable` where it can't be read."""
    try:
        return decode(topic, state)
    except ValueError as error:
        raise Undecodable(position, str(error)) from error


def happened(row: Row) -> Happened:
    """Return the event in a row; raises `Undecodable` where it can't be read."""
    position, aggregate, version, topic, recorded, state, leaf = row
    try:
        return Happened(position, UUID(bytes=aggregate), version, recorded, decode(topic, state), leaf)
    except ValueError as error:
        raise Undecodable(position, str(error)) from error


def all_happened(rows: Sequence[Row]) -> list[Happened]:
    """Return events up to the first that can't be read; raises `Undecodable` where that is the first of all."""
    try:
        # msgspec makes UUIDs in a quarter of the time that UUID() takes.
        aggregates = msgspec.convert([row[1] for row in rows], list[UUID])
        return [
            Happened(position, aggregate, version, recorded, decode(topic, state), leaf)
            for aggregate, (position, _, version, topic, recorded, state, leaf) in zip(aggregates, rows, strict=True)
        ]
    except (ValueError, msgspec.ValidationError):
        return _up_to_the_first_unreadable(rows)


def _up_to_the_first_unreadable(rows: Sequence[Row]) -> list[Happened]:
    found: list[Happened] = []
    for row in rows:
        try:
            found.append(happened(row))
        except Undecodable:
            if not found:
                raise
            break
    return found
