"""Lanes hold: nothing starts while another runs there, nobody is passed, and each lane agrees with its actions.

A transaction's events follow each other, so that each one that brings others about says which event comes next.
"""

from collections.abc import Iterator
from uuid import UUID

from deedbook.domain.events import ActionRecorded, ActionStarted, Event, LaneEntered, LaneEvent, LaneLeft, LaneStarted
from deedbook.domain.finding import Finding
from deedbook.domain.lane import Lane, lane_id
from deedbook.domain.lifecycle import FINAL, State
from deedbook.domain.store.verify.replay import Owed, Replay, Seen

_FREE = Lane()


def is_due(replay: Replay, seen: Seen, event: Event) -> Finding | None:
    """What one event brings about comes next, and nothing that another has to bring about comes without it."""
    if replay.is_torn:
        return None
    owed = replay.owed
    if owed is not None and not _pays(owed, seen, event):
        kinds = " or ".join(kind.TOPIC for kind in owed.kinds)
        return Finding(
            seen.position, owed.code, f"{kinds} of {UUID(bytes=owed.action)} must stand here: {_WHY[owed.code]}"
        )
    if owed is None and _must_be_owed(replay, seen, event):
        return Finding(seen.position, "lane", f"{event.TOPIC}, and nothing before it brings that about")
    return None


_WHY = {"lane": "the event before it moves their lane", "retry": "the event before it retries another"}


def _pays(owed: Owed, seen: Seen, event: Event) -> bool:
    about = event.action.bytes if isinstance(event, LaneEvent) else seen.aggregate
    return isinstance(event, owed.kinds) and about == owed.action


def _must_be_owed(replay: Replay, seen: Seen, event: Event) -> bool:
    if isinstance(event, ActionRecorded):
        return event.lane
    if isinstance(event, ActionStarted):
        life = replay.actions.get(seen.aggregate)
        return life is not None and life.lane is not None
    return isinstance(event, LaneLeft | LaneStarted)


def takes_its_lane(replay: Replay, _: Seen, event: ActionRecorded) -> str | None:
    """What is recorded here, has an object and has not ended is in its lane, as it entered it; nothing else is."""
    must = bool(event.object) and event.state not in FINAL and not event.imported
    if event.lane != must:
        return "it must be in the lane of its object, and is not" if must else "it is in a lane, and must not be"
    if event.state is State.PENDING and not event.imported and not event.lane:
        return "it waits, and has no object to wait for"
    entered = replay.previous
    if not event.lane or not isinstance(entered, LaneEntered):
        return None
    fits = (entered.namespace, entered.object) == (event.namespace, event.object)
    if not fits or entered.waiting != (event.state is State.PENDING):
        return "it is recorded otherwise than it entered its lane"
    return None


def is_entered(replay: Replay, seen: Seen, event: LaneEntered) -> str | None:
    """An action enters the lane of its object, once, before it is recorded; it waits only where another is."""
    lane = replay.lanes.get(seen.aggregate, _FREE)
    if seen.aggregate != lane_id(event.namespace, event.object).bytes:
        return f"it does not stand in the lane of {event.object}"
    if event.action in (*lane.running, *lane.waiting) or event.action.bytes in replay.actions:
        return f"the action {event.action} was there before"
    if event.waiting and lane.is_free:
        return f"the action {event.action} waits, and nothing is in its way"
    return None


def starts(replay: Replay, seen: Seen, event: LaneStarted) -> str | None:
    """The first that waits starts, once nothing runs there."""
    lane = replay.lanes.get(seen.aggregate, _FREE)
    if lane.running:
        return f"the action {event.action} starts while {lane.running[0]} runs there"
    if lane.waiting[:1] != (event.action,):
        return f"the action {event.action} starts, and is not the first that waits there"
    return None


def leaves(replay: Replay, seen: Seen, event: LaneLeft) -> str | None:
    """Only what is in a lane leaves it."""
    lane = replay.lanes.get(seen.aggregate, _FREE)
    if event.action in lane.running or event.action in lane.waiting:
        return None
    return f"the action {event.action} leaves a lane that it is not in"


def starts_after(replay: Replay, seen: Seen, event: ActionStarted) -> str | None:
    """An action says whose end made room for it: that of the one that ran."""
    life = replay.actions.get(seen.aggregate)
    if life is None:
        return None
    must = replay.made_room if life.lane is not None else None
    if (event.after.bytes if event.after is not None else None) == must or replay.is_torn:
        return None
    return "it says that another made room for it than did"


def agree(replay: Replay) -> Iterator[str]:
    """In the end the open actions with a lane, and no others, are in their lanes, and run or wait there."""
    for aggregate, lane in replay.lanes.items():
        if aggregate in replay.unknown:
            continue
        for members, is_waiting in ((lane.running, False), (lane.waiting, True)):
            for action in members:
                life = replay.actions.get(action.bytes)
                if action.bytes not in replay.unknown and (life is None or life.lane != aggregate):
                    yield f"the action {action} is in a lane, and is none that is open there"
                elif life is not None and (life.state is State.PENDING) != is_waiting:
                    yield f"the action {action} is {life.state}, and its lane has it {'wait' if is_waiting else 'run'}"
    for name, life in replay.actions.items():
        if life.lane is not None and life.lane not in replay.unknown and name not in replay.unknown:
            here = replay.lanes.get(life.lane, _FREE)
            action = UUID(bytes=name)
            if action not in here.running and action not in here.waiting:
                yield f"the action {action} is {life.state}, and not in its lane"
