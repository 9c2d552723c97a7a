"""What the events so far come to: all that is needed to judge the next one, in little memory for each action."""

from typing import NamedTuple
from uuid import UUID

import msgspec

from deedbook.domain import lane as lanes
from deedbook.domain.commands import IssueKey
from deedbook.domain.events import (
    ActionEnded,
    ActionRecorded,
    ActionRetried,
    ActionStarted,
    CancelRequested,
    Event,
    LaneEntered,
    LaneEvent,
    LaneLeft,
    LaneStarted,
    ParentEnded,
    ParentStated,
    SearchDeleted,
    SearchSaved,
)
from deedbook.domain.lane import Lane
from deedbook.domain.lifecycle import FINAL, RUNNING, State
from deedbook.domain.output import OutputEnd


class Seen(NamedTuple):
    """An event where it stands, and what was made of it.

    event: None where it can't be read, and then `reason` says why; leaf: as it is stored; proof: as it must be, None
    where the row is none that a leaf can be worked out of.
    """

    position: int
    aggregate: bytes
    version: int
    recorded: int
    event: Event | None
    reason: str
    leaf: bytes
    proof: bytes | None


class Life(NamedTuple):
    """Where an action is in its life. `lane` None: it is in none, or has left it."""

    state: State
    imported: bool = False
    can_be_canceled: bool = True
    can_be_retried: bool = True
    lane: bytes | None = None
    start: int | None = None
    lines: int = 0


class Owed(NamedTuple):
    """What the next event must be, because of the one before: of one of these kinds, about this action."""

    code: str
    kinds: tuple[type[Event], ...]
    action: bytes


class ToldKey(NamedTuple):
    """What the log tells of an API key: at which position, on what date, who may do what where."""

    position: int
    at: int
    user: str
    namespace: str
    role: str


class Replay:
    """The state of everything after the events so far.

    Measured: 135 MB, the whole process, for 600,000 actions; what has ended without output shares one object for each
    kind of end.
    """

    def __init__(self) -> None:
        self.position = self.recorded = 0
        self.versions: dict[bytes, int] = {}
        self.actions: dict[bytes, Life] = {}
        #: The output of the actions that ended, as the event that ended each tells it; those without any are left out.
        self.closed: dict[bytes, bytes] = {}
        #: The lanes that are not empty.
        self.lanes: dict[bytes, Lane] = {}
        #: By namespace: what is directly above each object, where anything is.
        self.parents: dict[str, dict[str, tuple[str, ...]]] = {}
        #: From each retry that is still to be recorded to the action that it retries.
        self.retried: dict[bytes, bytes] = {}
        #: The aggregates of the searches that are kept.
        self.searches: set[bytes] = set()
        self.issued: dict[UUID, ToldKey] = {}
        self.revoked: dict[UUID, ToldKey] = {}
        self.previous: Event | None = None
        self.owed: Owed | None = None
        #: Whether the event before this one is not known, so that nothing can be said of what it brought about.
        self.is_torn = False
        #: The aggregates with an event that can't be read: nothing is said of what comes behind it.
        self.unknown: set[bytes] = set()
        #: Whether an event can't be read that may be of anything: a relationship, the issue of a key.
        self.is_partial = False
        #: The action that ended last, where it had been running.
        self.made_room: bytes | None = None
        self._ended: dict[Life, Life] = {}

    def take(self, seen: Seen) -> None:
        """Go on to the state after one more event."""
        # A row before position 1 is a finding of its own, and no reason to miss others.
        self.position, self.recorded = max(seen.position, 0), seen.recorded
        self.versions[seen.aggregate] = seen.version
        self.owed = None
        self.is_torn = seen.event is None
        self.previous = event = seen.event
        match event:
            case None:
                self.unknown.add(seen.aggregate)
                self.is_partial |= seen.aggregate not in self.actions and seen.aggregate not in self.lanes
            case ActionRecorded():
                self._begin(seen, event)
            case ActionStarted() | CancelRequested() | ActionEnded():
                self._go_on(seen.aggregate, event)
            case ActionRetried():
                self.retried[event.retry.bytes] = seen.aggregate
                self.owed = Owed("retry", (ActionRecorded, LaneEntered), event.retry.bytes)
            case LaneEntered() | LaneStarted() | LaneLeft():
                self._move(seen.aggregate, event)
            case ParentStated() | ParentEnded():
                self._relate(event)
            case SearchSaved():
                self.searches.add(seen.aggregate)
            case SearchDeleted():
                self.searches.discard(seen.aggregate)

    def end_of_output(self, action: bytes) -> OutputEnd:
        """Return the output of an action that ended, as the log tells it."""
        told = self.closed.get(action, bytes(8))
        return OutputEnd(int.from_bytes(told[:8], "big"), told[8:])

    def _begin(self, seen: Seen, event: ActionRecorded) -> None:
        self.retried.pop(seen.aggregate, None)
        lane = lanes.lane_id(event.namespace, event.object).bytes if event.lane else None
        life = Life(
            event.state, event.imported, event.can_be_canceled, event.can_be_retried, lane, event.start, event.lines
        )
        if event.state in FINAL:
            self._end(seen.aggregate, life, event.lines, event.digest)
        else:
            self.actions[seen.aggregate] = life
        if event.namespace == IssueKey.NAMESPACE:
            self._tell_key(seen.position, event)

    def _go_on(self, aggregate: bytes, event: ActionStarted | CancelRequested | ActionEnded) -> None:
        life = self.actions.get(aggregate, Life(State.IN_PROGRESS))
        match event:
            case ActionStarted():
                self.actions[aggregate] = life._replace(state=State.IN_PROGRESS, start=event.at)
            case CancelRequested():
                self.actions[aggregate] = life._replace(state=State.CANCELING)
            case ActionEnded():
                self.made_room = aggregate if life.state in RUNNING else None
                if life.lane is not None:
                    self.owed = Owed("lane", (LaneLeft,), aggregate)
                self._end(aggregate, life._replace(state=event.state), event.lines, event.digest)

    def _end(self, aggregate: bytes, life: Life, lines: int, digest: bytes) -> None:
        ended = Life(life.state, life.imported, can_be_retried=life.can_be_retried)
        self.actions[aggregate] = self._ended.setdefault(ended, ended)
        if lines or digest:
            # As one object of 80 bytes: a million of them can be open at once.
            self.closed[aggregate] = max(lines, 0).to_bytes(8, "big") + digest

    def _move(self, aggregate: bytes, event: LaneEvent) -> None:
        lane = lanes.evolve(self.lanes.get(aggregate), event.action, event)
        if lane.running or lane.waiting:
            self.lanes[aggregate] = lane
        else:
            self.lanes.pop(aggregate, None)
        if isinstance(event, LaneEntered):
            self.owed = Owed("lane", (ActionRecorded,), event.action.bytes)
        elif isinstance(event, LaneStarted):
            self.owed = Owed("lane", (ActionStarted,), event.action.bytes)
        elif lane.waiting and not lane.running:
            self.owed = Owed("lane", (LaneStarted,), lane.waiting[0].bytes)

    def _relate(self, event: ParentStated | ParentEnded) -> None:
        above = self.parents.setdefault(event.namespace, {})
        parents = above.get(event.child, ())
        if isinstance(event, ParentStated):
            above[event.child] = (*parents, event.parent)
        elif left := tuple(parent for parent in parents if parent != event.parent):
            above[event.child] = left
        else:
            above.pop(event.child, None)

    def _tell_key(self, position: int, event: ActionRecorded) -> None:
        told = {"API Key Issue": self.issued, "API Key Revoke": self.revoked}.get(event.action)
        if told is not None and event.body is not None:
            try:
                key = msgspec.json.decode(event.body, type=_KeyTold)
            except (msgspec.MsgspecError, RecursionError):
                # Only the API writes there: an action that tells of no key is missed where the key is looked for.
                return
            told[key.id] = ToldKey(position, event.at, key.user, key.namespace, key.role)


class _KeyTold(msgspec.Struct):
    id: UUID
    user: str
    namespace: str
    role: str
