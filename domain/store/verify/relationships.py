"""Relationships: none is stated twice, ended without holding, or closes a cycle; actions know what is above them."""

from deedbook.domain.errors import CycleRefused
from deedbook.domain.events import ActionRecorded, ParentEnded, ParentStated
from deedbook.domain.relationship import ParentsOf, above, refuse_cycle, relationship_id
from deedbook.domain.store.verify.replay import Replay, Seen


def holds(replay: Replay, seen: Seen, event: ParentStated | ParentEnded) -> str | None:
    """What is stated did not hold, what is ended did, each under the object that is below."""
    if seen.aggregate != relationship_id(event.namespace, event.child).bytes:
        return f"it does not stand under {event.child}"
    held = event.parent in _parents(replay, event.namespace)(event.child)
    if held == isinstance(event, ParentEnded):
        return None
    was = "was directly below it before" if held else "was not directly below it"
    return f"{event.child} {was}: {event.parent}"


def closes_no_cycle(replay: Replay, _: Seen, event: ParentStated) -> str | None:
    """No object comes to be above itself."""
    try:
        refuse_cycle(event.parent, event.child, _parents(replay, event.namespace))
    except CycleRefused:
        return f"{event.child} is put below {event.parent}, and is that or above it: a cycle"
    return None


def has_its_parents(replay: Replay, _: Seen, event: ActionRecorded) -> str | None:
    """An action that is recorded here names all that is above its object then, nearest first."""
    if event.imported or replay.is_partial:
        return None
    must = above(event.object, _parents(replay, event.namespace)) if event.object else ()
    return None if event.parents == must else f"what was above {event.object} then is not what it names"


def _parents(replay: Replay, namespace: str) -> ParentsOf:
    known = replay.parents.get(namespace, {})
    return lambda uri: known.get(uri, ())
