"""The rules that a log can break, each with a way to break it and nothing else.

Each planter lets a small legal scene happen on objects that nobody else names, and then what must not. What a store
itself keeps whole (positions, versions, dates) is spoiled when the history is complete.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from deedbook.domain.commands import EndParent, Finish, RecordAction, RequestCancel, StateParent
from deedbook.domain.events import (
    ActionEnded,
    ActionRecorded,
    ActionRetried,
    ActionStarted,
    Caller,
    CancelRequested,
    Event,
    LaneLeft,
    LaneStarted,
    ParentEnded,
    ParentStated,
)
from deedbook.domain.lane import lane_id
from deedbook.domain.lifecycle import State
from deedbook.domain.log import Happened
from deedbook.domain.relationship import relationship_id
from deedbook.domain.testing.memory import MemoryLog


class Violation(StrEnum):
    """A rule that is broken, as a sentence."""

    POSITION_MISSING = "a position is missing"
    POSITION_TWICE = "two events have one position"
    VERSION_MISSING = "a version of an aggregate is missing"
    VERSION_TWICE = "two events of an aggregate have one version"
    DATE_WENT_BACK = "a recorded date goes back"
    NEVER_RECORDED = "something happened to an action that was never recorded"
    RECORDED_TWICE = "an action was recorded twice"
    STARTED_WHILE_RUNNING = "an action started that did not wait"
    ENDED_WHILE_PENDING = "a worker finished an action that had not started"
    ENDED_TWICE = "an action ended after its end"
    CANCELED_UNASKED = "a running action was canceled and nobody had asked for it"
    CANCEL_AFTER_END = "canceling was asked for after the end"
    RETRIED_BEFORE_END = "an action was retried before its end"
    LANE_DOUBLE_START = "a waiting action started while another ran on its object"
    LANE_OVERTAKEN = "a waiting action started before one that had come earlier"
    LANE_STALLED = "nothing runs on an object, and the first that waits there was not started"
    LANE_NEVER_ENTERED = "an action left a lane that it was not in"
    CYCLE = "an object is above itself"
    STATED_TWICE = "a relationship was stated that held already"
    ENDED_UNSTATED = "a relationship ended that did not hold"


class Planted(NamedTuple):
    """Where a violation shows first, and what is still to be done to the complete history."""

    position: int
    spoil: Callable[[list[Happened]], list[Happened]] = list


Planter = Callable[[MemoryLog, int], Planted]

_NAMESPACE = "acme"
_OBJECT = "/scene/"
_BY = Caller("root", "192.0.2.1", "tests")
_LANE = lane_id(_NAMESPACE, _OBJECT)
#: The actions of a scene; no sequence of commands has ids so high.
_FIRST, _SECOND, _THIRD = (UUID(int=0xFFFF << 112 | n << 64 | 0x4000 << 64 | 0x8000000000000000) for n in (1, 2, 3))


def _record(log: MemoryLog, now: int, action: UUID, state: State) -> None:
    log.give(
        RecordAction(id=action, namespace=_NAMESPACE, by=_BY, action="Deploy", method="POST", path="/", state=state,
                     object=_OBJECT),
        now,
    )  # fmt: skip


def _running(log: MemoryLog, now: int, *waiting: UUID) -> None:
    """Let the first action run, and others wait behind it."""
    _record(log, now, _FIRST, State.IN_PROGRESS)
    for action in waiting:
        _record(log, now, action, State.PENDING)


def _finish(log: MemoryLog, now: int) -> None:
    log.give(Finish(id=_FIRST, namespace=_NAMESPACE, by=_BY, state=State.SUCCESS), now)


def _relate(log: MemoryLog, now: int, parent: str, child: str) -> None:
    log.give(StateParent(namespace=_NAMESPACE, parent=parent, child=child, by=_BY), now)


def _add(log: MemoryLog, now: int, *events: tuple[UUID, Event]) -> Planted:
    """Let what must not happen happen; it shows at the first of these events."""
    position = len(log.happened) + 1
    for aggregate, event in events:
        log.add(aggregate, event, now)
    return Planted(position)


def _spoiling(spoil: Callable[[list[Happened], int], list[Happened]], shows: int = 1) -> Planter:
    """Spoil a request to cancel when the history is complete; it shows `shows` behind the event before."""

    def plant(log: MemoryLog, now: int) -> Planted:
        _running(log, now)
        log.give(RequestCancel(id=_FIRST, namespace=_NAMESPACE, by=_BY), now)
        place = len(log.happened) - 1
        _finish(log, now)
        return Planted(place + shows, lambda history: spoil(history, place))

    return plant


def _without(history: list[Happened], place: int) -> list[Happened]:
    """Leave an event out, and its version with it: that aggregate's later ones close up, so that one rule is broken."""
    gone = history[place]
    return [
        one._replace(version=one.version - 1) if one.aggregate == gone.aggregate and one.version > gone.version else one
        for one in history
        if one is not gone
    ]


def _doubled(history: list[Happened], place: int) -> list[Happened]:
    """Let every event from here on have the position of the one before it."""
    return [*history[:place], *(one._replace(position=one.position - 1) for one in history[place:])]


def _jumping(history: list[Happened], place: int) -> list[Happened]:
    """Let an aggregate's versions go on one too high."""
    return _renumbered(history, place, 1)


def _standing(history: list[Happened], place: int) -> list[Happened]:
    """Let an aggregate's versions go on one too low."""
    return _renumbered(history, place, -1)


def _renumbered(history: list[Happened], place: int, by: int) -> list[Happened]:
    aggregate = history[place].aggregate
    later = (one._replace(version=one.version + by) if one.aggregate == aggregate else one for one in history[place:])
    return [*history[:place], *later]


def _dated_back(history: list[Happened], place: int) -> list[Happened]:
    return [*history[:place], history[place]._replace(recorded=history[place - 1].recorded - 1), *history[place + 1 :]]


def _ended(now: int, state: State = State.SUCCESS) -> ActionEnded:
    return ActionEnded(at=now, by=_BY, state=state)


def _never_recorded(log: MemoryLog, now: int) -> Planted:
    return _add(log, now, (_FIRST, _ended(now)))


def _recorded_twice(log: MemoryLog, now: int) -> Planted:
    log.give(
        RecordAction(id=_FIRST, namespace=_NAMESPACE, by=_BY, action="Deploy", method="POST", path="/",
                     state=State.SUCCESS),
        now,
    )  # fmt: skip
    again = log.events(_FIRST)[0]
    assert isinstance(again, ActionRecorded)  # noqa: S101  # tells the type checker what was recorded above
    return _add(log, now, (_FIRST, again))


def _started_while_running(log: MemoryLog, now: int) -> Planted:
    _running(log, now)
    return _add(log, now, (_FIRST, ActionStarted(at=now, by=_BY)))


def _ended_while_pending(log: MemoryLog, now: int) -> Planted:
    _running(log, now, _SECOND)
    return _add(log, now, (_SECOND, _ended(now)), (_LANE, LaneLeft(at=now, action=_SECOND)))


def _ended_twice(log: MemoryLog, now: int) -> Planted:
    _running(log, now)
    _finish(log, now)
    return _add(log, now, (_FIRST, _ended(now, State.FAILED)))


def _canceled_unasked(log: MemoryLog, now: int) -> Planted:
    _running(log, now)
    return _add(log, now, (_FIRST, _ended(now, State.CANCELED)), (_LANE, LaneLeft(at=now, action=_FIRST)))


def _cancel_after_end(log: MemoryLog, now: int) -> Planted:
    _running(log, now)
    _finish(log, now)
    return _add(log, now, (_FIRST, CancelRequested(at=now, by=_BY)))


def _retried_before_end(log: MemoryLog, now: int) -> Planted:
    _running(log, now)
    return _add(log, now, (_FIRST, ActionRetried(at=now, by=_BY, retry=_SECOND)))


def _started(now: int, action: UUID) -> tuple[tuple[UUID, Event], tuple[UUID, Event]]:
    return (_LANE, LaneStarted(at=now, action=action)), (action, ActionStarted(at=now, by=_BY))


def _lane_double_start(log: MemoryLog, now: int) -> Planted:
    _running(log, now, _SECOND)
    return _add(log, now, *_started(now, _SECOND))


def _lane_overtaken(log: MemoryLog, now: int) -> Planted:
    _running(log, now, _SECOND, _THIRD)
    planted = _add(log, now, (_FIRST, _ended(now)), (_LANE, LaneLeft(at=now, action=_FIRST)), *_started(now, _THIRD))
    return Planted(planted.position + 2)


def _lane_stalled(log: MemoryLog, now: int) -> Planted:
    _running(log, now, _SECOND)
    planted = _add(log, now, (_FIRST, _ended(now)), (_LANE, LaneLeft(at=now, action=_FIRST)))
    return Planted(planted.position + 1)


def _lane_never_entered(log: MemoryLog, now: int) -> Planted:
    _running(log, now)
    return _add(log, now, (_LANE, LaneLeft(at=now, action=_SECOND)))


def _cycle(log: MemoryLog, now: int) -> Planted:
    _relate(log, now, "/scene/top/", "/scene/middle/")
    _relate(log, now, "/scene/middle/", "/scene/bottom/")
    return _add(log, now, _stated(now, "/scene/bottom/", "/scene/top/"))


def _stated_twice(log: MemoryLog, now: int) -> Planted:
    _relate(log, now, "/scene/top/", "/scene/bottom/")
    return _add(log, now, _stated(now, "/scene/top/", "/scene/bottom/"))


def _ended_unstated(log: MemoryLog, now: int) -> Planted:
    _relate(log, now, "/scene/top/", "/scene/bottom/")
    log.give(EndParent(namespace=_NAMESPACE, parent="/scene/top/", child="/scene/bottom/", by=_BY), now)
    ended = ParentEnded(at=now, namespace=_NAMESPACE, parent="/scene/top/", child="/scene/bottom/", by=_BY)
    return _add(log, now, (relationship_id(_NAMESPACE, "/scene/bottom/"), ended))


def _stated(now: int, parent: str, child: str) -> tuple[UUID, Event]:
    event = ParentStated(at=now, namespace=_NAMESPACE, parent=parent, child=child, by=_BY)
    return relationship_id(_NAMESPACE, child), event


PLANTERS: Mapping[Violation, Planter] = {
    Violation.POSITION_MISSING: _spoiling(_without),
    Violation.POSITION_TWICE: _spoiling(_doubled, shows=0),
    Violation.VERSION_MISSING: _spoiling(_jumping),
    Violation.VERSION_TWICE: _spoiling(_standing),
    Violation.DATE_WENT_BACK: _spoiling(_dated_back),
    Violation.NEVER_RECORDED: _never_recorded,
    Violation.RECORDED_TWICE: _recorded_twice,
    Violation.STARTED_WHILE_RUNNING: _started_while_running,
    Violation.ENDED_WHILE_PENDING: _ended_while_pending,
    Violation.ENDED_TWICE: _ended_twice,
    Violation.CANCELED_UNASKED: _canceled_unasked,
    Violation.CANCEL_AFTER_END: _cancel_after_end,
    Violation.RETRIED_BEFORE_END: _retried_before_end,
    Violation.LANE_DOUBLE_START: _lane_double_start,
    Violation.LANE_OVERTAKEN: _lane_overtaken,
    Violation.LANE_STALLED: _lane_stalled,
    Violation.LANE_NEVER_ENTERED: _lane_never_entered,
    Violation.CYCLE: _cycle,
    Violation.STATED_TWICE: _stated_twice,
    Violation.ENDED_UNSTATED: _ended_unstated,
}
