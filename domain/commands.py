"""What can be asked of the audit log: one struct for each command, imperative.

Dates are microseconds since the epoch; None means "now", the date at which the writer's transaction runs, unless
said otherwise. `namespace` None means any namespace: only an admin's commands carry it.
"""

from typing import ClassVar
from uuid import UUID

from msgspec import Struct

from deedbook.domain.events import Caller
from deedbook.domain.lifecycle import State


class Line(Struct, frozen=True, gc=False):
    """One line of an action's output: no line break in `text`; `timestamp` in whole seconds, None for now."""

    text: str
    timestamp: int | None = None


class RecordedCall(Struct, frozen=True, kw_only=True):
    """A call that was made to a system: what every action is recorded from, by whoever, however it ended."""

    id: UUID
    namespace: str
    by: Caller
    action: str
    method: str
    path: str
    state: State
    object: str = ""
    parents: tuple[str, ...] = ()
    body: str | None = None
    user: str | None = None
    user_agent: str | None = None
    ip: str | None = None
    location: str | None = None
    is_user_action: bool = True
    start: int | None = None
    end: int | None = None
    can_be_canceled: bool = True
    can_be_retried: bool = True
    retry_of: UUID | None = None


class RecordAction(RecordedCall, frozen=True, kw_only=True):
    """Record a call that was made here: finished (Success, Failed), running (In progress) or waiting (Pending).

    `parents` are the objects directly above `object`; those relationships are stated with it.
    """


class ImportAction(RecordedCall, frozen=True, kw_only=True):
    """Take over an action as another system recorded it, in any state, with its dates of the past.

    An id that is there already is not recorded again; when it was still open, and this one is further on in its
    life, the stored one is brought to the same state. `start` and `end` None mean that there is none.
    `parents` are all the objects that were above `object`, nearest first: they are kept as given, and the ones that
    are not above it in the store yet are stated as directly above. `lines` are the whole output of an action that
    ended: of one that is brought to its end, those that are not stored yet are added.
    """

    created: int
    lines: tuple[Line, ...] = ()


class RequestCancel(Struct, frozen=True, kw_only=True):
    """Cancel an action that waits or runs."""

    id: UUID
    namespace: str | None
    by: Caller


class Retry(Struct, frozen=True, kw_only=True):
    """Retry an action that ended: as a new action, `retry`, with its own caller, dates and output."""

    id: UUID
    namespace: str | None
    by: Caller
    retry: UUID


class Finish(Struct, frozen=True, kw_only=True):
    """Report that a running action ended: Success, Failed, or Canceled after a request to cancel."""

    id: UUID
    namespace: str | None
    by: Caller
    state: State
    reason: str | None = None


class AppendOutput(Struct, frozen=True, kw_only=True):
    """Add lines, in order, to the output of a running action."""

    id: UUID
    namespace: str | None
    lines: tuple[Line, ...]


class StateParent(Struct, frozen=True, kw_only=True):
    """State that `child` is directly below `parent`."""

    namespace: str
    parent: str
    child: str
    by: Caller


class EndParent(Struct, frozen=True, kw_only=True):
    """State that `child` is no longer directly below `parent`."""

    namespace: str
    parent: str
    child: str
    by: Caller


class SaveSearch(Struct, frozen=True, kw_only=True):
    """Keep a search under a name, instead of the one that has it: `query` is the filters as a query string."""

    namespace: str
    name: str
    query: str
    by: Caller


class DeleteSearch(Struct, frozen=True, kw_only=True):
    """Keep nothing under a name any more."""

    namespace: str
    name: str
    by: Caller


class IssueKey(Struct, frozen=True, kw_only=True):
    """Issue an API key: `secret_hash` is the SHA-256 of its secret, which is kept nowhere."""

    NAMESPACE: ClassVar[str] = "deedbook"

    id: UUID
    action: UUID
    user: str
    namespace: str
    role: str
    secret_hash: bytes
    by: Caller


class RevokeKey(Struct, frozen=True, kw_only=True):
    """Revoke an API key, at once and for ever."""

    id: UUID
    action: UUID
    by: Caller


class KeyUse(Struct, frozen=True, gc=False):
    """When an API key was used, in microseconds since the epoch."""

    key: UUID
    at: int


class NoteUses(Struct, frozen=True, kw_only=True):
    """Note when API keys were last used: of each the latest date counts, whoever notes it. It is no event."""

    uses: tuple[KeyUse, ...]


class Once(Struct, frozen=True):
    """Makes a command safe to repeat: its idempotency key, in a namespace, and the SHA-256 of what was asked."""

    namespace: str
    key: str
    request: bytes
