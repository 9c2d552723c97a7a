"""What is sent over the streams: a frame for each change of an action's life, a frame for each line of output.

All as the bytes that go out, so that a crowd costs the making of them once.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from msgspec import Struct
from websockets.frames import Frame as WebSocketFrame
from websockets.frames import Opcode

from deedbook.domain.lifecycle import State
from deedbook.domain.log import EventLog, Happened
from deedbook.domain.output import OutputLine
from deedbook.projections.dates import iso8601
from deedbook.web import sse
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

    `message` is what WebSockets are sent: None of a relationship, which published clients know nothing of. `told` is
    its resource as a server-sent event: None where it was not made.
    """

    position: int
    type: str
    namespace: str
    object: str
    parents: Sequence[str]
    resource_uri: str | None
    message: bytes | None
    told: bytes | None

    @property
    def size(self) -> int:
        """How many bytes it is."""
        return len(self.message or b"") + len(self.told or b"")


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
            _message(step) if isinstance(step, ActionStep) else None,
            sse.event(happened.position, step.type, encode(told(step))) if tells else None,
        )


def _message(step: ActionStep) -> bytes:
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
    return _of_websocket(_ENCODER.encode(frame))


def log_frame(line: OutputLine) -> bytes:
    """Return the frame of a line of output, as a WebSocket is sent it."""
    return _of_websocket(_ENCODER.encode(LogFrame("log", line.text, line.timestamp, line.line)))


def _of_websocket(text: bytes) -> bytes:
    """Return a text as a server's WebSocket sends it (RFC 6455, section 5.2)."""
    return WebSocketFrame(Opcode.TEXT, text).serialize(mask=False)
