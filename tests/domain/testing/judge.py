"""Who finds what is wrong in a history, rule by rule, knowing nothing of `decide` or of how it was made."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from uuid import UUID

from deedbook.domain.events import (
    ActionEnded,
    ActionEvent,
    ActionRecorded,
    ActionRetried,
    ActionStarted,
    LaneEntered,
    LaneEvent,
    LaneLeft,
    LaneStarted,
    ParentStated,
    RelationshipEvent,
)
from deedbook.domain.log import Happened
from deedbook.domain.testing import Violation

Found = tuple[Violation, int]


def judge(history: Sequence[Happened]) -> list[Found]:
    """Return each violation with its position."""
    return [*_kept(history), *_lives(history), *_lanes(history), *_relationships(history)]


def _kept(history: Sequence[Happened]) -> Iterator[Found]:
    position, date = 0, 0
    versions: dict[UUID, int] = defaultdict(int)
    for one in history:
        if one.position <= position:
            yield Violation.POSITION_TWICE, one.position
        elif one.position > position + 1:
            yield Violation.POSITION_MISSING, position + 1
        if one.version <= versions[one.aggregate]:
            yield Violation.VERSION_TWICE, one.position
        elif one.version > versions[one.aggregate] + 1:
            yield Violation.VERSION_MISSING, one.position
        if one.recorded < date:
            yield Violation.DATE_WENT_BACK, one.position
        position, date, versions[one.aggregate] = one.position, one.recorded, one.version


#: What may happen in which state, and where it leads; None is "not recorded". What ends an action says where itself.
_NEXT = {
    "Pending": {"ActionStarted": "In progress", "ActionEnded:Canceled": "Canceled"},
    "In progress": {"CancelRequested": "Canceling", "ActionEnded:Success": "Success", "ActionEnded:Failed": "Failed"},
    "Canceling": {f"ActionEnded:{state}": state for state in ("Success", "Failed", "Canceled")},
    **{state: {"ActionRetried": state} for state in ("Success", "Failed", "Canceled")},
}
_WRONG = {
    "ActionStarted": Violation.STARTED_WHILE_RUNNING,
    "CancelRequested": Violation.CANCEL_AFTER_END,
    "ActionRetried": Violation.RETRIED_BEFORE_END,
}


def _lives(history: Sequence[Happened]) -> Iterator[Found]:
    states: dict[UUID, str] = {}
    for one in history:
        event, state = one.event, states.get(one.aggregate)
        if not isinstance(event, ActionEvent):
            continue
        if isinstance(event, ActionRecorded):
            if state is not None:
                yield Violation.RECORDED_TWICE, one.position
            states[one.aggregate] = str(event.state)
            continue
        if state is None:
            yield Violation.NEVER_RECORDED, one.position
            continue
        name = type(event).__name__ + (f":{event.state}" if isinstance(event, ActionEnded) else "")
        if name in _NEXT[state]:
            states[one.aggregate] = _NEXT[state][name]
        elif isinstance(event, ActionStarted | ActionRetried) or name == "CancelRequested":
            yield _WRONG[name], one.position
        elif state == "Pending":
            yield Violation.ENDED_WHILE_PENDING, one.position
        else:
            yield (Violation.CANCELED_UNASKED if state == "In progress" else Violation.ENDED_TWICE), one.position


def _lanes(history: Sequence[Happened]) -> Iterator[Found]:
    running: dict[UUID, list[UUID]] = defaultdict(list)
    waiting: dict[UUID, list[UUID]] = defaultdict(list)
    for place, one in enumerate(history):
        event, lane = one.event, one.aggregate
        if not isinstance(event, LaneEvent):
            continue
        if isinstance(event, LaneEntered):
            (waiting if event.waiting else running)[lane].append(event.action)
        elif isinstance(event, LaneStarted):
            if running[lane]:
                yield Violation.LANE_DOUBLE_START, one.position
            elif waiting[lane][0] != event.action:
                yield Violation.LANE_OVERTAKEN, one.position
            waiting[lane].remove(event.action)
            running[lane].append(event.action)
        elif isinstance(event, LaneLeft):
            if event.action not in running[lane] + waiting[lane]:
                yield Violation.LANE_NEVER_ENTERED, one.position
                continue
            (running if event.action in running[lane] else waiting)[lane].remove(event.action)
            starts = place + 1 < len(history) and isinstance(history[place + 1].event, LaneStarted)
            if waiting[lane] and not running[lane] and not starts:
                yield Violation.LANE_STALLED, one.position


def _relationships(history: Sequence[Happened]) -> Iterator[Found]:
    holds: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for one in history:
        event = one.event
        if not isinstance(event, RelationshipEvent):
            continue
        edges, edge = holds[event.namespace], (event.child, event.parent)
        if isinstance(event, ParentStated):
            if edge in edges:
                yield Violation.STATED_TWICE, one.position
            edges.add(edge)
            if _reaches(edges, event.parent, event.child):
                yield Violation.CYCLE, one.position
        elif edge in edges:
            edges.remove(edge)
        else:
            yield Violation.ENDED_UNSTATED, one.position


def _reaches(edges: set[tuple[str, str]], low: str, high: str) -> bool:
    ring, seen = {low}, {low}
    while ring:
        ring = {parent for child, parent in edges if child in ring} - seen
        seen |= ring
    return high in seen
