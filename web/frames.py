"""What is sent over the streams: a frame for each change of an action's life, a frame for each line of output."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID, uuid5

import msgspec
from msgspec import Struct

from deedbook.domain.action import Action, evolve
from deedbook.domain.events import ActionEvent
from deedbook.domain.lifecycle import State
from deedbook.domain.log import EventLog, Happened
from deedbook.domain.output import OutputLine
from deedbook.projections.dates import iso8601
from deedbook.projections.resource import uri_of
from deedbook.web.problems import bad

#: At the most so many open actions are remembered, so that their next frame needs no look into the log.
_REMEMBERED = 10_000

_ENCODER = msgspec.json.Encoder()


class EventFrame(Struct):
    """A message of the event stream, with all keys: go-dockercloud reuses its struct, and would keep old values."""

    type: str
    action: str
    parents: Sequence[str]
    resource_uri: str
    state: State
    uuid: str
    datetime: str
    position: int


class LogFrame(Struct):
    """A message of the log stream: one line; `line` is its number from 1, for `after=`."""

    type: str
    log: str
    timestamp: int
    line: int


class Frame(NamedTuple):
    """A frame as text, with what decides who gets it."""

    position: int
    namespace: str
    object: str
    parents: Sequence[str]
    resource_uri: str
    text: str


class Wanted(NamedTuple):
    """What a follower asked for; an empty set is no filter."""

    namespace: str | None
    types: frozenset[str] = frozenset()
    objects: frozenset[str] = frozenset()
    parents: frozenset[str] = frozenset()

    def holds(self, frame: Frame) -> bool:
        """Tell whether a frame is the follower's to see, and wanted."""
        return (
            self.namespace in (None, frame.namespace)
            and (not self.types or "action" in self.types)
            and (not self.objects or frame.object in self.objects or frame.resource_uri in self.objects)
            and (not self.parents or not self.parents.isdisjoint(frame.parents))
        )


def wanted(parameters: Mapping[str, list[str]], namespace: str | None) -> Wanted:
    """Return what the query of an event stream asks for; each filter is a comma list."""
    known = ("type", "object", "parent", "parents", "after", "user", "token")
    for name in parameters:
        if name not in known:
            raise bad(f"There is no filter {name}; known are type, object, parent, parents and after.")

    def among(*names: str) -> frozenset[str]:
        values = (value for name in names for value in parameters.get(name, ()))
        return frozenset(part for value in values for part in value.split(",") if part)

    return Wanted(namespace, among("type"), among("object"), among("parent", "parents"))


class Frames:
    """Makes the frames of the event stream from the log alone, so that it never waits for a view.

    Each one reads a part of the log in order, without a gap: it remembers actions as the last event that it saw left
    them.
    """

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._seen: OrderedDict[UUID, Action] = OrderedDict()

    def of(self, happened: Happened) -> Frame | None:
        """Return the frame of an event, None where it is no change of an action."""
        event = happened.event
        if not isinstance(event, ActionEvent):
            return None
        action = self._after(happened, event)
        recorded = action.recorded
        parents = (recorded.object, *recorded.parents) if recorded.object else ()
        resource_uri = uri_of(action.id)
        frame = EventFrame(
            type="action",
            action="create" if happened.version == 1 else "update",
            parents=parents,
            resource_uri=resource_uri,
            state=action.state,
            uuid=str(uuid5(happened.aggregate, str(happened.version))),
            datetime=iso8601(happened.recorded),
            position=happened.position,
        )
        text = _ENCODER.encode(frame).decode()
        return Frame(happened.position, recorded.namespace, recorded.object, parents, resource_uri, text)

    def _after(self, happened: Happened, event: ActionEvent) -> Action:
        """Return the action as the event left it."""
        action = evolve(self._before(happened), happened.aggregate, event)
        self._seen[happened.aggregate] = action
        self._seen.move_to_end(happened.aggregate)
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return action

    def _before(self, happened: Happened) -> Action | None:
        known = self._seen.get(happened.aggregate)
        if known is not None or happened.version == 1:
            return known
        action: Action | None = None
        for earlier in self._log.history(happened.aggregate):
            if earlier.version < happened.version and isinstance(earlier.event, ActionEvent):
                action = evolve(action, happened.aggregate, earlier.event)
        return action


def log_frame(line: OutputLine) -> str:
    """Return the frame of a line of output."""
    return _ENCODER.encode(LogFrame("log", line.text, line.timestamp, line.line)).decode()
