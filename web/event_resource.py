"""An event as the API tells it: where it stands, who did it, and what it changed."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
from msgspec import Struct

from deedbook.domain.action import Action
from deedbook.domain.events import (
    ActionEnded,
    ActionRecorded,
    ActionRetried,
    ActionStarted,
    Event,
    ParentStated,
)
from deedbook.domain.lifecycle import FINAL, State
from deedbook.projections.dates import iso8601_exactly, rfc1123
from deedbook.projections.resource import ActionResource, is_long, resource_of, uri_of
from deedbook.web.course import ActionStep, RelationshipStep, Step, id_of
from deedbook.web.lines import one_line

#: What a field of a resource can hold.
Value = str | bool | float | Sequence[str] | None

_FIELDS = ActionResource.__struct_fields__
_ENCODER = msgspec.json.Encoder()


class Who(Struct):
    """Who gave the command: each null where it is not known, or nobody did."""

    user: str | None
    ip: str | None
    user_agent: str | None


class Change(Struct, rename={"before": "from", "after": "to"}):
    """What a field held before, null where it was not there yet, and what it holds since."""

    before: Value
    after: Value


class EventResource(Struct):
    """The event resource; every key is always there. `date` is when it was recorded, `datetime` the same to the µs.

    `changes` has each field that it changed: of the action's resource (a body over 4 KiB is left out), or parent and
    child of a relationship. `after` is the action whose end made room for the one that started.
    """

    position: int
    version: int
    id: str
    type: str
    event: str
    date: str
    datetime: str
    who: Who
    namespace: str
    resource_uri: str | None
    object: str
    parents: Sequence[str]
    state: State | None
    changes: Mapping[str, Change]
    reason: str | None
    retry: str | None
    after: str | None
    lines: int | None


class _More(NamedTuple):
    """What only some events have."""

    reason: str | None = None
    retry: str | None = None
    after: str | None = None
    lines: int | None = None


def told(step: Step) -> EventResource:
    """Return the resource of an event."""
    happened = step.happened
    by = step.event.by
    more = _more(step.event)
    return EventResource(
        position=happened.position,
        version=happened.version,
        id=id_of(happened),
        type=step.type,
        event=step.event.TOPIC,
        date=rfc1123(happened.recorded),
        datetime=iso8601_exactly(happened.recorded),
        who=Who(by.user, by.address, by.agent),
        namespace=step.namespace,
        resource_uri=step.resource_uri,
        object=step.object,
        parents=step.parents,
        state=step.after.state if isinstance(step, ActionStep) else None,
        changes=_of_action(step) if isinstance(step, ActionStep) else _of_relationship(step),
        reason=more.reason,
        retry=more.retry,
        after=more.after,
        lines=more.lines,
    )


def encode(resource: EventResource) -> bytes:
    """Return the JSON of a resource, on one line."""
    return one_line(_ENCODER.encode(resource))


def _of_action(step: ActionStep) -> dict[str, Change]:
    before = dict.fromkeys(_FIELDS) if step.before is None else _fields(step.before)
    after = _fields(step.after)
    return {name: Change(before[name], after[name]) for name in _FIELDS if before[name] != after[name]}


def _fields(action: Action) -> dict[str, Value]:
    fields: dict[str, Value] = msgspec.structs.asdict(resource_of(action))
    body = action.recorded.body
    if body is not None and is_long(body):
        fields["body"] = None
    return fields


def _of_relationship(step: RelationshipStep) -> dict[str, Change]:
    ends = {"parent": step.event.parent, "child": step.event.child}
    is_begin = isinstance(step.event, ParentStated)
    return {name: Change(None, uri) if is_begin else Change(uri, None) for name, uri in ends.items()}


def _more(event: Event) -> _More:
    match event:
        case ActionRecorded(state=state, lines=lines) if state in FINAL:
            return _More(lines=lines)
        case ActionStarted(after=after) if after is not None:
            return _More(after=uri_of(after))
        case ActionEnded(reason=reason, lines=lines):
            return _More(reason=reason, lines=lines)
        case ActionRetried(retry=retry):
            return _More(retry=uri_of(retry))
    return _More()
