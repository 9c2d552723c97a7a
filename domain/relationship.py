"""The Relationship aggregate: the objects that one object is directly below now.

Relationships of one namespace that hold at one moment form no cycle. Over time one may arise (a was above b, later b
above a); whoever folds the whole history has to expect that.
"""

from collections.abc import Callable
from functools import lru_cache
from uuid import UUID, uuid5

from msgspec import Struct

from deedbook.domain.errors import CycleRefused
from deedbook.domain.events import ParentStated, RelationshipEvent

_RELATIONSHIPS = UUID("d0b2a9f4-3a53-4d0e-8f0e-5a4f4f1b6c22")

#: Gives the objects directly above one now.
ParentsOf = Callable[[str], tuple[str, ...]]


class Relationship(Struct, frozen=True, gc=False):
    """The objects directly above one object, in the order in which they were stated."""

    parents: tuple[str, ...] = ()


@lru_cache(maxsize=65536)
def relationship_id(namespace: str, child: str) -> UUID:
    """Return the id of the aggregate that holds what is above `child`."""
    return uuid5(_RELATIONSHIPS, f"{namespace}\n{child}")


def evolve(relationship: Relationship | None, _aggregate: UUID, event: RelationshipEvent) -> Relationship:
    """Return what is directly above the object after `event`."""
    parents = relationship.parents if relationship else ()
    if isinstance(event, ParentStated):
        return Relationship((*parents, event.parent))
    return Relationship(tuple(parent for parent in parents if parent != event.parent))


def above(uri: str, parents_of: ParentsOf) -> tuple[str, ...]:
    """Return every object above `uri` now, nearest first, each once; each is asked about once, by whatever ways."""
    found: dict[str, None] = {}
    ring = dict.fromkeys(parents_of(uri))
    while ring:
        found.update(ring)
        ring = dict.fromkeys(up for parent in ring for up in parents_of(parent) if up not in found)
    return tuple(found)


def refuse_cycle(parent: str, child: str, parents_of: ParentsOf) -> None:
    """Raise `CycleRefused` where `parent` is `child`, or walking up from it meets it."""
    if parent == child or child in above(parent, parents_of):
        raise CycleRefused(parent, child)
