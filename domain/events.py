"""Every event that the log can hold, with its topic and schema version.

A topic ("action.recorded/1") is what the log stores, never an import path, so that code can move. A change in what
an event means or holds is a new version with an upcaster from the old one (`store/codec.py`) and a golden file.

All dates are integers: microseconds since 1970-01-01T00:00:00Z.
"""

from typing import Annotated, ClassVar
from uuid import UUID

from msgspec import Meta, Struct

from deedbook.domain.lifecycle import State

#: What a column of 64 bits holds: no event was written with more, and no view could take it.
Number = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]


class Caller(Struct, frozen=True, omit_defaults=True, gc=False):
    """Who gave a command: the user that was authenticated, the address it came from, the agent it named."""

    user: str | None = None
    address: str | None = None
    agent: str | None = None


class Event(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What happened, at a date; immutable for ever."""

    TOPIC: ClassVar[str]

    at: Number


class ActionRecorded(Event, frozen=True, kw_only=True):
    """An action was recorded: by the API in one of four states, by an import in any of six.

    `parents` are all the objects above `object` at that moment, nearest first. `lane` says that it takes part in
    its object's lane; imported actions don't. An action that was recorded ended may bring its whole output with it:
    `lines` and `digest` are the number of its lines and their running digest.
    """

    TOPIC: ClassVar[str] = "action.recorded/1"

    namespace: str
    action: str
    method: str
    path: str
    state: State
    created: Number
    by: Caller
    object: str = ""
    parents: tuple[str, ...] = ()
    start: Number | None = None
    end: Number | None = None
    user: str | None = None
    user_agent: str | None = None
    ip: str | None = None
    location: str | None = None
    is_user_action: bool = True
    can_be_canceled: bool = True
    can_be_retried: bool = True
    body: str | None = None
    retry_of: UUID | None = None
    imported: bool = False
    lane: bool = False
    lines: Number = 0
    digest: bytes = b""


class ActionStarted(Event, frozen=True, kw_only=True):
    """A waiting action began to run: `after` is the one whose end made room, None when its import says so.

    `by` gave the command that made room: the report or the cancel that ended the one before, or the import. Version 1
    did not say it; there it is unknown, a `Caller` of nothing.
    """

    TOPIC: ClassVar[str] = "action.started/2"

    by: Caller
    after: UUID | None = None


class CancelRequested(Event, frozen=True, kw_only=True):
    """A user asked a running action to stop; its worker has yet to report."""

    TOPIC: ClassVar[str] = "action.cancel-requested/1"

    by: Caller


class ActionEnded(Event, frozen=True, kw_only=True):
    """An action came to its final state: its worker reported, or it was canceled while it waited.

    `lines` and `digest` close its output: no line can be added or changed later without showing.
    """

    TOPIC: ClassVar[str] = "action.ended/1"

    state: State
    by: Caller
    reason: str | None = None
    lines: Number = 0
    digest: bytes = b""


class ActionRetried(Event, frozen=True, kw_only=True):
    """A user retried an ended action: `retry` is the new one. The old one stays as it ended."""

    TOPIC: ClassVar[str] = "action.retried/1"

    by: Caller
    retry: UUID


class ParentStated(Event, frozen=True, kw_only=True):
    """An object is directly below another from now on."""

    TOPIC: ClassVar[str] = "relationship.stated/1"

    namespace: str
    child: str
    parent: str
    by: Caller


class ParentEnded(Event, frozen=True, kw_only=True):
    """An object is no longer directly below another."""

    TOPIC: ClassVar[str] = "relationship.ended/1"

    namespace: str
    child: str
    parent: str
    by: Caller


class LaneEntered(Event, frozen=True, kw_only=True):
    """An action took its place in its object's lane: running at once, or waiting behind what is there."""

    TOPIC: ClassVar[str] = "lane.entered/1"

    namespace: str
    object: str
    action: UUID
    waiting: bool = False


class LaneStarted(Event, frozen=True, kw_only=True):
    """The first that waited in a lane runs now."""

    TOPIC: ClassVar[str] = "lane.started/1"

    action: UUID


class LaneLeft(Event, frozen=True, kw_only=True):
    """An action ended, or was canceled while it waited, and left its lane."""

    TOPIC: ClassVar[str] = "lane.left/1"

    action: UUID


class SearchSaved(Event, frozen=True, kw_only=True):
    """A namespace keeps filters, as a query string, under a name from now on, instead of those that had it."""

    TOPIC: ClassVar[str] = "search.saved/1"

    namespace: str
    name: str
    query: str
    by: Caller


class SearchDeleted(Event, frozen=True, kw_only=True):
    """A namespace keeps nothing under a name any more."""

    TOPIC: ClassVar[str] = "search.deleted/1"

    namespace: str
    name: str
    by: Caller


ActionEvent = ActionRecorded | ActionStarted | CancelRequested | ActionEnded | ActionRetried
RelationshipEvent = ParentStated | ParentEnded
LaneEvent = LaneEntered | LaneStarted | LaneLeft
SearchEvent = SearchSaved | SearchDeleted

#: Every event type, by the topic that is written today.
EVENTS: dict[str, type[Event]] = {
    kind.TOPIC: kind
    for kind in (
        ActionRecorded,
        ActionStarted,
        CancelRequested,
        ActionEnded,
        ActionRetried,
        ParentStated,
        ParentEnded,
        LaneEntered,
        LaneStarted,
        LaneLeft,
        SearchSaved,
        SearchDeleted,
    )
}
