"""How the machine gives commands to an audit log and looks at what they did: the protocol that a log is driven by."""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol
from uuid import UUID

import msgspec
from msgspec import Struct

from deedbook.domain.action import Action
from deedbook.domain.commands import RecordAction, Retry
from deedbook.domain.lifecycle import State
from deedbook.domain.results import Command

_NOBODY = UUID(int=0)


class Outcome(StrEnum):
    """How a command is answered."""

    MADE = "made"  # something new is there, and complete
    BEGUN = "begun"  # taken, with work still to do
    DONE = "done"  # what was asked for holds now, or held already
    UNKNOWN = "unknown"  # what the command is about is not there, or not to be seen from its namespace
    REFUSED = "refused"  # the lifecycle, a lane or a relationship does not allow it now
    MISMATCH = "mismatch"  # its idempotency key stands for another request


class Seen(Struct, frozen=True, kw_only=True):
    """An action as an answer or a list shows it; dates are whole seconds since the epoch."""

    id: UUID
    action: str
    method: str
    path: str
    object: str
    parents: tuple[str, ...]
    user: str | None
    ip: str | None
    is_user_action: bool
    body: str | None
    retry_of: UUID | None
    state: State
    can_be_canceled: bool
    can_be_retried: bool
    created: int
    start: int | None
    end: int | None


class Answer(NamedTuple):
    """What a command was answered.

    `words` are the answer as its driver would say it; `outcome` None: such as no outcome is. `action` is there where
    the answer shows one, `first` where it numbers a first line of output.
    """

    outcome: Outcome | None
    words: str
    action: Seen | None = None
    first: int | None = None


class Question(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is asked of the list: filters combine with AND, the values of one with OR; empty ones ask nothing.

    Ranges are whole seconds since the epoch, both ends included. `prefix` is the beginning of an id.
    """

    states: tuple[State, ...] = ()
    users: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    ips: tuple[str, ...] = ()
    ids: tuple[UUID, ...] = ()
    prefix: str | None = None
    is_user_action: bool | None = None
    object: str | None = None
    include_related: bool = False
    start_from: int | None = None
    start_to: int | None = None
    end_from: int | None = None
    end_to: int | None = None
    newest_first: bool = False
    limit: int = 500
    offset: int = 0


class Page(NamedTuple):
    """Some actions, in order; how many there are in all; whether the list says that there are more behind these."""

    actions: Sequence[Seen]
    total: int
    has_more: bool


class NoAnswer(BaseException):
    """The log can't be driven, so nothing is said about it: the sentence tells why.

    No `Exception`, because Hypothesis would take that for a failing story, and look for a smaller one.
    """


class CutOff(Exception):
    """A command was cut off: it may have been done or not, so its story is given up, and others are told."""


class Driver(Protocol):
    """An audit log as the machine drives it.

    Whatever the log answers is told as an `Answer`. A command of which no answer came is raised as `CutOff`, and what
    keeps the log from answering at all as `NoAnswer`.
    """

    @property
    def user(self) -> str | None:
        """Whoever gives the commands, the user of a retry; None where that is not known."""

    def fresh(self) -> tuple[str, str]:
        """Return two namespaces in which nothing was ever recorded."""

    def perform(self, command: Command, key: str | None = None) -> Answer:
        """Give a command, under an idempotency key where there is one; a log may choose other ids for new actions."""

    def perform_all(self, commands: Sequence[tuple[RecordAction, str | None]]) -> Sequence[Answer]:
        """Record some actions of one namespace in a batch, each with its key or None; return an answer for each."""

    def one(self, namespace: str, action: UUID) -> Seen | None:
        """Return an action as it is read alone, None where there is none."""

    def page(self, namespace: str, question: Question) -> Page:
        """Return what the list answers."""

    def output(self, namespace: str, action: UUID) -> Sequence[str]:
        """Return an action's output."""

    def history(self, namespace: str, action: UUID) -> Sequence[str] | None:
        """Return what happened to an action, as topics without version ("action.ended"); None where none tells."""

    def word(self, outcome: Outcome) -> str:
        """Return how this log says an outcome."""


def request_of(command: Command) -> bytes:
    """Return what a command asks for, without the ids that are made for each try: the same for the same request."""
    if isinstance(command, RecordAction):
        command = msgspec.structs.replace(command, id=_NOBODY)
    elif isinstance(command, Retry):
        command = msgspec.structs.replace(command, retry=_NOBODY)
    return type(command).__name__.encode() + msgspec.json.encode(command)


def seen(action: Action) -> Seen:
    """Return an action as it should be seen."""
    recorded = action.recorded
    return Seen(
        id=action.id,
        action=recorded.action,
        method=recorded.method,
        path=recorded.path,
        object=recorded.object,
        parents=recorded.parents,
        user=recorded.user,
        ip=recorded.ip,
        is_user_action=recorded.is_user_action,
        body=recorded.body,
        retry_of=recorded.retry_of,
        state=action.state,
        can_be_canceled=action.can_be_canceled,
        can_be_retried=action.can_be_retried,
        created=recorded.created // 1_000_000,
        start=None if action.start is None else action.start // 1_000_000,
        end=None if action.end is None else action.end // 1_000_000,
    )
