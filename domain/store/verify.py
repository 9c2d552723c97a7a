"""Checks a store against what it must be: positions and versions without a hole, and leaves that fit their events."""

from collections.abc import Callable, Iterator
from typing import NamedTuple
from uuid import UUID

from deedbook.domain.log import EventLog, Stored
from deedbook.domain.store.codec import decode
from deedbook.domain.store.leaf import leaf

#: Events read at once.
_PAGE = 5000


class Finding(NamedTuple):
    """Something that is not as it must be: at which position, and what."""

    position: int
    what: str


def verify(log: EventLog, progress: Callable[[int], None] = lambda _: None) -> Iterator[Finding]:
    """Read the whole log, changing nothing, and return each finding; `progress` is told the position reached.

    May run while the store is in use: it ends at the head that it finds when it gets there.
    """
    versions: dict[bytes, int] = {}
    position = recorded = 0
    while page := log.stored(position, _PAGE):
        for event in page:
            yield from _checked(event, position, recorded, versions)
            position, recorded = event.position, event.recorded
            versions[event.aggregate] = event.version
        progress(position)


def _checked(event: Stored, position: int, recorded: int, versions: dict[bytes, int]) -> Iterator[Finding]:
    here = event.position
    if here != position + 1:
        yield Finding(here, f"positions {position + 1} to {here - 1} are missing")
    if event.version != versions.get(event.aggregate, 0) + 1:
        yield Finding(here, f"version {event.version} of {event.aggregate.hex()} does not follow the one before")
    if event.recorded < recorded:
        yield Finding(here, "its recorded date is before that of the event before it")
    if len(event.aggregate) != 16:  # noqa: PLR2004  # bytes of a UUID
        yield Finding(here, "its aggregate is no UUID")
    elif event.leaf != leaf(here, UUID(bytes=event.aggregate), *event[2:6]):
        yield Finding(here, "its leaf does not fit: the row was changed")
    try:
        decode(event.topic, event.state)
    except ValueError as error:
        yield Finding(here, str(error))
