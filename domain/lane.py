"""The Lane aggregate: what runs on an object now and what waits for it, in order of arrival.

An action that was recorded In progress runs at once, whatever else does; one that asked to wait starts when nothing
runs and nothing that came earlier waits. The event that ends the last one running starts the first one waiting.
"""

from functools import lru_cache
from uuid import UUID, uuid5

from msgspec import Struct

from deedbook.domain.events import LaneEntered, LaneEvent, LaneLeft, LaneStarted

_LANES = UUID("6f1f2a3e-6c2b-4c39-9d8a-0c6f5f0f7a11")


class Lane(Struct, frozen=True, gc=False):
    """The actions on one object, in order of arrival."""

    running: tuple[UUID, ...] = ()
    waiting: tuple[UUID, ...] = ()

    @property
    def is_free(self) -> bool:
        """Whether an action that asks to wait would start at once."""
        return not self.running and not self.waiting


@lru_cache(maxsize=65536)
def lane_id(namespace: str, uri: str) -> UUID:
    """Return the id of the lane of an object: the same for everyone, so that racing processes meet."""
    return uuid5(_LANES, f"{namespace}\n{uri}")


def evolve(lane: Lane | None, _aggregate: UUID, event: LaneEvent) -> Lane:
    """Return the lane after `event`."""
    lane = lane or Lane()
    action = event.action
    match event:
        case LaneEntered() if event.waiting:
            return Lane(lane.running, (*lane.waiting, action))
        case LaneEntered():
            return Lane((*lane.running, action), lane.waiting)
        case LaneStarted():
            return Lane((*lane.running, action), _without(lane.waiting, action))
        case LaneLeft():
            return Lane(_without(lane.running, action), _without(lane.waiting, action))


def leave(lane: Lane, action: UUID, now: int) -> list[LaneLeft | LaneStarted]:
    """Decide what happens when `action` ends: it leaves, and the first that waits starts where nothing runs."""
    left: list[LaneLeft | LaneStarted] = [LaneLeft(at=now, action=action)]
    after = evolve(lane, action, left[0])
    if not after.running and after.waiting:
        left.append(LaneStarted(at=now, action=after.waiting[0]))
    return left


def _without(actions: tuple[UUID, ...], gone: UUID) -> tuple[UUID, ...]:
    return tuple(action for action in actions if action != gone)
