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
    recorded = action.recorded
    identifier = str(action.id)
    return ActionResource(
        resource_uri=uri_of(identifier),
        uuid=identifier,
        object=recorded.object,
        action=recorded.action,
        method=recorded.method,
        path=recorded.path,
        user=recorded.user,
        user_agent=recorded.user_agent,
        start_date=None if action.start is None else rfc1123(action.start),
        end_date=None if action.end is None else rfc1123(action.end),
        created=rfc1123(recorded.created),
        state=action.state,
        ip=recorded.ip,
        location=recorded.location,
        is_user_action=recorded.is_user_action,
        can_be_canceled=action.can_be_canceled,
        can_be_retried=action.can_be_retried,
        body=recorded.body,
        retry_of=None if recorded.retry_of is None else uri_of(recorded.retry_of),
        parents=recorded.parents,
        duration=_duration(action.start, action.end),
    )


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
