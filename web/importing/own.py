"""Actions as this API lists them, and the relationships of their objects."""

import re
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta, Raw, Struct

from deedbook.domain.commands import ImportAction, StateParent
from deedbook.domain.lifecycle import FINAL, ON_CANCEL, State
from deedbook.web.dates import parse_date
from deedbook.web.importing.compact import compact
from deedbook.web.importing.ids import action_id, derived_id
from deedbook.web.importing.items import UNKNOWN, Item, Owner

_ACTION_URI = re.compile(r"(?:.*/action/)?([^/]+)/?")

Uri = Annotated[str, Meta(min_length=1)]


class _Action(Struct, forbid_unknown_fields=True):
    """The action resource. `resource_uri` and `duration` follow from the rest."""

    state: State
    action: str
    method: str
    path: str
    uuid: str | None = None
    object: str | None = None
    parents: tuple[Uri, ...] = ()
    body: str | None = None
    user: str | None = None
    user_agent: str | None = None
    ip: str | None = None
    location: str | None = UNKNOWN
    is_user_action: bool = True
    created: str | None = None
    start_date: str | None = None
    end_date: str | None = None
    can_be_canceled: bool = True
    can_be_retried: bool = True
    retry_of: str | None = None
    resource_uri: str | None = None
    duration: float | None = None


class _Pair(Struct, forbid_unknown_fields=True):
    parent: Uri
    child: Uri


class _Relationship(Struct, forbid_unknown_fields=True):
    relationship: _Pair


class _Dates(Struct):
    created: int
    start: int | None
    end: int | None


_ACTION = msgspec.json.Decoder(_Action)
_RELATIONSHIP = msgspec.json.Decoder(_Relationship)


class Own:
    """Reads actions and relationships."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner

    def relationship(self, text: bytes | Raw, line: int) -> list[Item]:
        """What to do for a relationship: state it."""
        pair = _RELATIONSHIP.decode(text).relationship
        stated = StateParent(namespace=self._owner.namespace, parent=pair.parent, child=pair.child, by=self._owner.by)
        return [Item(line, stated)]

    def action(self, text: bytes | Raw, line: int) -> list[Item]:
        """What to do for an action: import it. One without a uuid gets the same one whenever it is read."""
        given = _ACTION.decode(text)
        dates = _dates(given)
        imported = ImportAction(
            id=action_id(given.uuid) if given.uuid else derived_id(compact(text)),
            namespace=self._owner.namespace,
            by=self._owner.by,
            action=given.action,
            method=given.method,
            path=given.path,
            state=given.state,
            created=dates.created,
            start=dates.start,
            end=dates.end,
            object=given.object or "",
            parents=given.parents,
            body=given.body,
            user=given.user,
            user_agent=given.user_agent,
            ip=given.ip,
            location=given.location,
            is_user_action=given.is_user_action,
            # The API lists what may be done now. That tells of a recorder's ban only where the state allows it.
            can_be_canceled=given.can_be_canceled or given.state not in ON_CANCEL,
            can_be_retried=given.can_be_retried or given.state not in FINAL,
            retry_of=_retried(given.retry_of),
        )
        return [Item(line, imported)]


def _dates(given: _Action) -> _Dates:
    """The dates of an action; those that its state has and that it leaves out are filled in from the others.

    A Pending action has not started, and one that was canceled while it was Pending never did. Raises
    ValueError for dates that contradict the state or each other.
    """
    start, end = _date(given.start_date), _date(given.end_date)
    created = _first(_date(given.created), start)
    if created is None:
        raise ValueError("it needs a start_date, or the date when it was created")
    if end is not None and given.state not in FINAL:
        raise ValueError(f"an action in state {given.state} can't have an end_date")
    if end is not None and end < (created if start is None else start):
        raise ValueError("it ended before it started")
    if given.state is State.PENDING:
        return _Dates(created, None, None)
    if given.state is not State.CANCELED:
        start = _first(start, created)
    return _Dates(created, start, _first(end, start, created) if given.state in FINAL else None)


def _date(text: str | None) -> int | None:
    return None if text is None else parse_date(text)


def _first(*dates: int | None) -> int | None:
    return next((date for date in dates if date is not None), None)


def _retried(uri: str | None) -> UUID | None:
    """The id of the action with this URI, in any of its forms."""
    if uri is None:
        return None
    found = _ACTION_URI.fullmatch(uri)
    if found is None:
        raise ValueError("retry_of is no URI of an action")
    return action_id(found[1])
