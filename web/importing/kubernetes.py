"""Kubernetes audit events to actions."""

from enum import StrEnum
from typing import NamedTuple
from urllib.parse import quote

import msgspec
from msgspec import Raw, Struct, field

from deedbook.domain.commands import ImportAction
from deedbook.domain.lifecycle import State
from deedbook.web.dates import parse_date
from deedbook.web.importing.compact import NULL, as_body
from deedbook.web.importing.ids import action_id
from deedbook.web.importing.items import UNKNOWN, Owner
from deedbook.web.importing.references import Reference, parents, uri

_METHODS = {
    "get": "GET",
    "list": "GET",
    "watch": "GET",
    "create": "POST",
    "update": "PUT",
    "patch": "PATCH",
    "delete": "DELETE",
    "deletecollection": "DELETE",
}
_ERROR = 400


class Stage(StrEnum):
    """How far a request was when the event was written, in that order."""

    RECEIVED = "RequestReceived"
    STARTED = "ResponseStarted"
    COMPLETE = "ResponseComplete"
    PANIC = "Panic"


#: The stages after which nothing comes.
LAST = frozenset({Stage.COMPLETE, Stage.PANIC})


class _User(Struct):
    username: str | None = None


class _Status(Struct):
    code: int | None = None


class _Metadata(Struct, rename="camel"):
    name: str | None = None
    creation_timestamp: str | None = None


class _Named(Struct):
    metadata: _Metadata | None = None


class Event(Struct, rename="camel"):
    """What an action takes from an audit event, of audit.k8s.io/v1 or of its older versions."""

    audit_id: str = field(name="auditID")
    verb: str
    request_uri: str = field(name="requestURI")
    # The first versions had no stages: one event when all was over.
    stage: Stage = Stage.COMPLETE
    user: _User | None = None
    impersonated_user: _User | None = None
    source_ips: list[str] | None = field(default=None, name="sourceIPs")
    user_agent: str | None = None
    object_ref: Reference | None = None
    response_status: _Status | None = None
    request_object: Raw = NULL
    response_object: Raw = NULL
    request_received_timestamp: str | None = None
    stage_timestamp: str | None = None
    # Before 1.8 there was one date, and before that only the object's own.
    timestamp: str | None = None
    metadata: _Metadata | None = None


EVENT = msgspec.json.Decoder(Event)
_NAMED: msgspec.json.Decoder[_Named | None] = msgspec.json.Decoder(_Named | None)


def cluster_uri(name: str) -> str:
    """The URI of a cluster. Events don't name theirs."""
    return f"/cluster/{quote(name)}/"


class _Object(NamedTuple):
    """What a request is about."""

    action: str
    uri: str
    parents: tuple[str, ...]


def action_of(event: Event, owner: Owner, cluster: str) -> ImportAction:
    """The action that a request is, as far as `event` knows it; `cluster` is its cluster's URI."""
    about = _object(event, cluster)
    start = _start(event)
    return ImportAction(
        id=action_id(event.audit_id),
        namespace=owner.namespace,
        by=owner.by,
        action=about.action,
        method=_METHODS.get(event.verb, event.verb.upper()),
        path=event.request_uri,
        state=_state(event),
        created=start,
        start=start,
        end=_end(event, start),
        object=about.uri,
        parents=about.parents,
        body=as_body(event.request_object),
        user=_username(event),
        user_agent=event.user_agent,
        ip=next(iter(event.source_ips or ()), None),
        location=UNKNOWN,
        is_user_action=_is_user(event),
        can_be_canceled=False,
        can_be_retried=False,
    )


def _object(event: Event, cluster: str) -> _Object:
    about = event.object_ref
    if about is None or not about.resource:
        return _Object(f"{event.verb} {event.request_uri.partition('?')[0]}", "", (cluster,))
    kind = f"{about.resource}/{about.subresource}" if about.subresource else about.resource
    return _Object(f"{event.verb} {kind}", uri(about, _created(event, about)), parents(about, cluster))


def _created(event: Event, about: Reference) -> str | None:
    """The name that an object was given when it was created without one."""
    if event.verb != "create" or about.name or about.subresource:
        return None
    try:
        created = _NAMED.decode(event.response_object)
    except msgspec.ValidationError:
        return None
    return None if created is None or created.metadata is None else created.metadata.name


def _state(event: Event) -> State:
    if event.stage not in LAST:
        return State.IN_PROGRESS
    code = (event.response_status or _Status()).code or 0
    return State.FAILED if event.stage is Stage.PANIC or code >= _ERROR else State.SUCCESS


def _start(event: Event) -> int:
    created = (event.metadata or _Metadata()).creation_timestamp
    date = event.request_received_timestamp or event.timestamp or event.stage_timestamp or created
    if not date:
        raise ValueError("it has no date")
    return parse_date(date)


def _end(event: Event, start: int) -> int | None:
    if event.stage not in LAST:
        return None
    return parse_date(event.stage_timestamp) if event.stage_timestamp else start


def _is_user(event: Event) -> bool:
    """Whether a person asked: not one of the system's accounts, unless it spoke for somebody."""
    if event.impersonated_user is not None:
        return True
    name = _username(event) or "system:"
    return not name.startswith("system:")


def _username(event: Event) -> str | None:
    return (event.user or _User()).username
