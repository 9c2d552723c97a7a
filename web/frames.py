"""What is sent over the streams: a frame for each change of an action's life, a frame for each line of output."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from msgspec import Struct

from deedbook.domain.lifecycle import State
from deedbook.domain.log import EventLog, Happened
from deedbook.domain.output import OutputLine
from deedbook.projections.dates import iso8601
from deedbook.web.course import REMEMBERED, ActionStep, Course, id_of
from deedbook.web.event_resource import encode, told

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
    """An event as it is sent, with what decides who gets it.

    `text` is what WebSockets are sent: None of a relationship, which published clients know nothing of. `resource` is
    its resource, for server-sent events: None where it was not made.
    """

    position: int
    type: str
    namespace: str
    object: str
    parents: Sequence[str]
    resource_uri: str | None
    text: str | None
    resource: str | None

    @property
    def size(self) -> int:
        """How many characters it is."""
        return len(self.text or "") + len(self.resource or "")


class Frames:
    """Makes the frames of the event stream, from a part of the log in order, without a gap."""

    def __init__(self, log: EventLog, remembered: int = REMEMBERED) -> None:
        self._course = Course(log, remembered)

    def of(self, happened: Happened, *, tells: bool = False) -> Frame | None:
        """Return the frame of an event, None where it is bookkeeping; `tells`: with its resource."""
        step = self._course.step(happened)
        if step is None:
            return None
        return Frame(
            happened.position,
            step.type,
            step.namespace,
            step.object,
            # What is above a relationship is looked up in the log: only for those who are told of it.
            step.parents if tells or isinstance(step, ActionStep) else (),
            step.resource_uri,
            _text(step) if isinstance(step, ActionStep) else None,
            encode(told(step)).decode() if tells else None,
        )


def _text(step: ActionStep) -> str:
    happened = step.happened
    frame = EventFrame(
        type="action",
        action="create" if happened.version == 1 else "update",
        parents=step.parents,
        resource_uri=step.resource_uri,
        state=step.after.state,
        uuid=id_of(happened),
        datetime=iso8601(happened.recorded),
        position=happened.position,
    )
    return _ENCODER.encode(frame).decode()


def log_frame(line: OutputLine) -> str:
    """Return the frame of a line of output."""
    return _ENCODER.encode(LogFrame("log", line.text, line.timestamp, line.line)).decode()
