"""Drives an audit log in this process; the reading side is the caller's, since the domain knows no view."""

from collections.abc import Sequence
from concurrent.futures import Future
from hashlib import sha256
from typing import Protocol
from uuid import UUID, uuid4

from deedbook.domain.audit_log import AuditLog, Order
from deedbook.domain.commands import Once, RecordAction, RequestCancel, Retry
from deedbook.domain.errors import IdempotencyMismatch, Refused, Unavailable, UnknownAction, UnknownRelationship
from deedbook.domain.lifecycle import FINAL
from deedbook.domain.log import EventLog
from deedbook.domain.results import Answer as Performed
from deedbook.domain.results import Appended, Command, Recorded, Related
from deedbook.domain.testing.driver import Answer, NoAnswer, Outcome, Page, Question, Seen, request_of, seen


class Reading(Protocol):
    """The reading side: views that have read the log at least up to a position when they answer."""

    def page(self, namespace: str, question: Question, position: int) -> Page:
        """Return what the list answers."""

    def one(self, namespace: str, action: UUID, position: int) -> Seen | None:
        """Return an action as it is read alone, None where there is none in this namespace."""


class InProcess:
    """An audit log, its event log and its views, as the machine drives them."""

    def __init__(self, audit_log: AuditLog, log: EventLog, reading: Reading, user: str = "me") -> None:
        self._audit_log = audit_log
        self._log = log
        self._reading = reading
        self.user = user

    def fresh(self) -> tuple[str, str]:
        """See `Driver.fresh`."""
        return str(uuid4()), str(uuid4())

    def perform(self, command: Command, key: str | None = None) -> Answer:
        """See `Driver.perform`."""
        return self._performed([(command, key)])[0]

    def perform_all(self, commands: Sequence[tuple[RecordAction, str | None]]) -> Sequence[Answer]:
        """See `Driver.perform_all`."""
        return self._performed(commands)

    def one(self, namespace: str, action: UUID) -> Seen | None:
        """See `Driver.one`."""
        return self._reading.one(namespace, action, self._log.head())

    def page(self, namespace: str, question: Question) -> Page:
        """See `Driver.page`."""
        return self._reading.page(namespace, question, self._log.head())

    def output(self, _namespace: str, action: UUID) -> Sequence[str]:
        """See `Driver.output`."""
        return [line.text for line in self._log.output(action, 0, 100_000)]

    def history(self, _namespace: str, action: UUID) -> Sequence[str] | None:
        """See `Driver.history`."""
        return [one.event.TOPIC.partition("/")[0] for one in self._log.history(action)]

    def word(self, outcome: Outcome) -> str:
        """See `Driver.word`."""
        return outcome

    def _performed(self, commands: Sequence[tuple[Command, str | None]]) -> list[Answer]:
        futures: list[Future[Performed | Exception]] = [Future() for _ in commands]
        try:
            self._audit_log.submit(
                [
                    Order(command, future.set_result, _once(command, key))
                    for (command, key), future in zip(commands, futures, strict=True)
                ]
            )
        except Unavailable as unavailable:
            raise NoAnswer(str(unavailable)) from unavailable
        return [_told(command, future.result()) for (command, _), future in zip(commands, futures, strict=True)]


def _once(command: Command, key: str | None) -> Once | None:
    if key is None:
        return None
    # A request to cancel without a namespace has no place for its key; the machine names one in every command.
    namespace = getattr(command, "namespace", None) or ""
    return Once(namespace, key, sha256(request_of(command)).digest())


def _told(command: Command, performed: Performed | Exception) -> Answer:
    if isinstance(performed, Unavailable):
        raise NoAnswer(str(performed)) from performed
    if isinstance(performed, Refused):
        outcome = _outcome_of(performed)
        return Answer(outcome, outcome)
    if isinstance(performed, Exception):
        raise performed
    match performed.result:
        case Recorded(action):
            outcome = _recorded_as(command, is_final=action.state in FINAL)
            return Answer(outcome, f"{outcome}, {action.state}", seen(action))
        case Appended(first, _):
            return Answer(Outcome.DONE, f"{Outcome.DONE}, from line {first}", first=first)
        case Related(_, _, held):
            outcome = Outcome.DONE if held else Outcome.MADE
            return Answer(outcome, outcome)
    return Answer(None, type(performed.result).__name__)


def _outcome_of(refused: Refused) -> Outcome:
    if isinstance(refused, UnknownAction | UnknownRelationship):
        return Outcome.UNKNOWN
    return Outcome.MISMATCH if isinstance(refused, IdempotencyMismatch) else Outcome.REFUSED


def _recorded_as(command: Command, *, is_final: bool) -> Outcome:
    if isinstance(command, RequestCancel | Retry):
        return Outcome.BEGUN
    if isinstance(command, RecordAction):
        return Outcome.MADE if is_final else Outcome.BEGUN
    return Outcome.DONE
