"""An action as clients see it: the JSON that lists and details are made of."""

from uuid import UUID

import msgspec
from msgspec import Struct

from deedbook.domain.action import Action
from deedbook.domain.lifecycle import FINAL, ON_CANCEL, State
from deedbook.projections.dates import rfc1123

#: In lists, a body of more bytes than this is null.
LISTED_BODY = 4096


class ActionResource(Struct, gc=False):
    """The action resource; every key is always there, since clients read them without asking."""

    resource_uri: str
    uuid: str
    object: str
    action: str
    method: str
    path: str
    user: str | None
    user_agent: str | None
    start_date: str | None
    end_date: str | None
    created: str
    state: State
    ip: str | None
    location: str | None
    is_user_action: bool
    can_be_canceled: bool
    can_be_retried: bool
    body: str | None
    retry_of: str | None
    parents: tuple[str, ...]
    duration: float | None


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(ActionResource)


def uri_of(action: UUID | str) -> str:
    """Return the resource URI of an action: always relative, always with the trailing slash."""
    return f"/api/audit/v1/action/{action}/"


def resource_of(action: Action) -> ActionResource:
    """Return the resource of an action as it is."""
    recorded, state, start, end = action.recorded, action.state, action.start, action.end
    identifier: str = msgspec.to_builtins(action.id)  # As str(), in a third of its time.
    begun = None if start is None else rfc1123(start)
    # In the order of the fields: by name, this would take twice as long, and a rebuild makes each action's.
    return ActionResource(
        uri_of(identifier),
        identifier,
        recorded.object,
        recorded.action,
        recorded.method,
        recorded.path,
        recorded.user,
        recorded.user_agent,
        begun,
        None if end is None else rfc1123(end),
        begun if begun is not None and recorded.created == start else rfc1123(recorded.created),
        state,
        recorded.ip,
        recorded.location,
        recorded.is_user_action,
        action.can_be_canceled,
        action.can_be_retried,
        recorded.body,
        None if recorded.retry_of is None else uri_of(recorded.retry_of),
        recorded.parents,
        _duration(start, end),
    )


def is_long(body: str) -> bool:
    """Tell whether a body has too many bytes to be listed."""
    # UTF-8 takes up to four bytes for a character: most bodies need not be encoded to know.
    return 4 * len(body) > LISTED_BODY and len(body.encode()) > LISTED_BODY


def move(
    resource: ActionResource, state: State, start: int | None, end: int | None, *, cancel: bool, retry: bool
) -> None:
    """Bring a resource to another point of its life; `cancel` and `retry`: its recorder did not forbid them."""
    resource.state = state
    resource.start_date = None if start is None else rfc1123(start)
    resource.end_date = None if end is None else rfc1123(end)
    resource.duration = _duration(start, end)
    resource.can_be_canceled = cancel and state in ON_CANCEL
    resource.can_be_retried = retry and state in FINAL


def encode(resource: ActionResource) -> bytes:
    """Return the JSON of a resource."""
    return _ENCODER.encode(resource)


def decode(document: bytes) -> ActionResource:
    """Return the resource that JSON holds."""
    return _DECODER.decode(document)


def with_body(document: bytes, body: str) -> bytes:
    """Return the JSON of a resource whose body was too long to be kept in it."""
    resource = decode(document)
    resource.body = body
    return encode(resource)


def _duration(start: int | None, end: int | None) -> float | None:
    return None if start is None or end is None else (end - start) / 1_000_000
