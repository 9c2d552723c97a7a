"""An action's history as it is told to a reader: each event as a step."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from deedbook.domain.events import ActionEnded, ActionRecorded, ActionRetried, ActionStarted, CancelRequested
from deedbook.domain.lifecycle import State
from deedbook.web.event_resource import Change, EventResource, Value

#: What each event is called where its state does not say it.
_TITLES: Mapping[str, str] = {
    ActionRecorded.TOPIC: "Recorded",
    ActionStarted.TOPIC: "Started",
    CancelRequested.TOPIC: "Cancel requested",
    ActionRetried.TOPIC: "Retried",
}
_ENDS: Mapping[State, str] = {State.SUCCESS: "Succeeded", State.FAILED: "Failed", State.CANCELED: "Canceled"}

#: How the fields of an action are called, in the order of its page.
FIELDS: Mapping[str, str] = {
    "state": "State", "action": "Operation", "method": "Method", "path": "Path", "object": "Object",
    "parents": "Above it", "user": "User", "is_user_action": "By a user", "ip": "Address", "location": "Location",
    "user_agent": "Agent", "created": "Called", "start_date": "Started", "end_date": "Ended", "duration": "Duration",
    "can_be_canceled": "Can be canceled", "can_be_retried": "Can be retried", "retry_of": "Retry of", "body": "Body",
}  # fmt: skip

#: What is nothing new to who reads the page of the action.
_KNOWN = frozenset({"uuid", "resource_uri"})


class Changed(NamedTuple):
    """A field that an event changed: what kind of value it holds, before and after."""

    label: str
    kind: str
    before: Value
    after: Value


class Step(NamedTuple):
    """An event, and what it is called; `changes` in the order of the page."""

    event: EventResource
    title: str
    changes: Sequence[Changed]

    @property
    def is_first(self) -> bool:
        """Tell whether the action begins here."""
        return self.event.version == 1


def step_of(event: EventResource) -> Step:
    """Return what is told of an event."""
    title = _TITLES.get(event.event, event.event)
    if event.event == ActionEnded.TOPIC and event.state is not None:
        title = _ENDS[event.state]
    return Step(event, title, [_changed(name, event.changes[name]) for name in _in_order(event.changes)])


def _in_order(changes: Mapping[str, Change]) -> list[str]:
    return [name for name in FIELDS if name in changes] + sorted(changes.keys() - FIELDS.keys() - _KNOWN)


#: How values are shown that are more than text.
_KINDS: Mapping[str, str] = {
    "state": "state", "created": "date", "start_date": "date", "end_date": "date", "duration": "span",
    "retry_of": "action", "object": "object", "parents": "objects",
}  # fmt: skip


def _changed(name: str, change: Change) -> Changed:
    return Changed(FIELDS.get(name, name), _KINDS.get(name, "text"), change.before, change.after)
