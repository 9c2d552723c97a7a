"""The lifecycle, said a second time and as naively as possible: what a real log is compared with.

It shares no rule with the domain: one namespace as a dict of actions, a list of those that wait,
a set of relationships.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from deedbook.domain.commands import AppendOutput, EndParent, Finish, RecordAction, RequestCancel, Retry, StateParent
from deedbook.domain.lifecycle import State
from deedbook.domain.results import Command
from deedbook.domain.testing.driver import Outcome, Question

ENDED = (State.SUCCESS, State.FAILED, State.CANCELED)
#: From each state that a worker's report may end, the states that it may report.
REPORTS = {State.IN_PROGRESS: (State.SUCCESS, State.FAILED), State.CANCELING: ENDED}


class Verdict(NamedTuple):
    """What the lifecycle says to a command, and why ("since it had ended")."""

    outcome: Outcome
    why: str


class Told:
    """What the log chooses itself (a date that is now, the address of a retry): it is known once it was seen."""


#: Seconds since the epoch; None: there is none yet.
Date = int | Told | None


@dataclass
class ModelAction:
    """An action as it should be; `place` is what the list is ordered by."""

    id: UUID
    action: str
    method: str
    path: str
    object: str
    user: str | Told | None
    ip: str | Told | None
    is_user_action: bool
    body: str | None
    parents: tuple[str, ...]
    state: State
    may_be_canceled: bool
    may_be_retried: bool
    created: Date
    start: Date
    end: Date
    number: int
    place: tuple[int, int, int]
    retry_of: UUID | None = None
    lines: list[str] = field(default_factory=list)
    history: list[str] = field(default_factory=lambda: ["action.recorded"])

    @property
    def can_be_canceled(self) -> bool:
        """Whether a user may cancel it now."""
        return self.may_be_canceled and self.state in (State.PENDING, State.IN_PROGRESS)

    @property
    def can_be_retried(self) -> bool:
        """Whether a user may retry it now."""
        return self.may_be_retried and self.state in ENDED


class Model:
    """What one namespace should hold; `user` gives the commands, None where that is not known."""

    def __init__(self, user: str | None) -> None:
        self.user = user
        self.actions: dict[UUID, ModelAction] = {}
        self.waiting: dict[str, list[UUID]] = {}
        self.holds: dict[str, list[str]] = {}
        self.ever: set[tuple[str, str]] = set()
        #: The latest date that the log chose itself, as far as it was seen: no later one lies before it.
        self.latest = 0
        self._ticks = 0

    def expect(self, command: Command) -> Verdict:
        """Say how a command must be answered now."""
        return _EXPECT[type(command)](self, command)

    def apply(self, command: Command, new: UUID | None) -> ModelAction | None:
        """Let a command happen that was expected to succeed; `new`: the id that the log gave. Return its action."""
        self._ticks += 1
        changed: ModelAction | None = _APPLY[type(command)](self, command, new)
        return changed

    def above(self, uri: str) -> tuple[str, ...]:
        """Return all that is above an object now, nearest first."""
        return _walk(uri, self.holds)

    def starts_as(self, wanted: State, uri: str) -> State:
        """Return the state that an action recorded as `wanted` is found in."""
        if wanted is State.PENDING and uri and (self.runs_on(uri) or self.waiting.get(uri)):
            return State.PENDING
        return State.IN_PROGRESS if wanted is State.PENDING else wanted

    def runs_on(self, uri: str) -> bool:
        """Tell whether anything runs on an object."""
        return any(a.object == uri and a.state in REPORTS for a in self.actions.values())

    def listed(self, question: Question) -> list[ModelAction]:
        """Return all that a question finds, in order; its limit and offset are not looked at."""
        near = self._near(question)
        found = [a for a in self.actions.values() if _fits(a, question) and (near is None or a.object in near)]
        return sorted(found, key=lambda action: action.place, reverse=question.newest_first)

    def _near(self, question: Question) -> set[str] | None:
        """Return the objects that a question is about: the object, all that is or was above or below it."""
        if question.object is None:
            return None
        if not question.include_related:
            return {question.object}
        up: dict[str, list[str]] = {}
        down: dict[str, list[str]] = {}
        for child, parent in self.ever:
            up.setdefault(child, []).append(parent)
            down.setdefault(parent, []).append(child)
        return {question.object, *_walk(question.object, up), *_walk(question.object, down)}

    def relate(self, parent: str, child: str) -> None:
        """Put one object below another, where it is not yet."""
        if parent not in self.holds.get(child, []):
            self.holds.setdefault(child, []).append(parent)
            self.ever.add((child, parent))

    def add(self, new: UUID | None, like: RecordAction, **more: Any) -> ModelAction:  # noqa: ANN401  # fields of an action
        """Add a new action, in the state that it is found in."""
        if new is None:
            raise TypeError("a new action has an id")
        state = self.starts_as(like.state, like.object)
        start = Told() if like.start is None else like.start // 1_000_000
        runs = state is not State.PENDING
        number = len(self.actions)
        action = ModelAction(
            id=new, action=like.action, method=like.method, path=like.path, object=like.object, user=like.user,
            ip=like.ip, is_user_action=like.is_user_action, body=like.body, parents=self.above(like.object),
            state=state, may_be_canceled=like.can_be_canceled, may_be_retried=like.can_be_retried,
            created=start, start=start if runs else None,
            end=None if state not in ENDED else Told() if like.end is None else like.end // 1_000_000,
            number=number, place=(0, start, number) if isinstance(start, int) else (1, self._ticks, number), **more,
        )  # fmt: skip
        self.actions[new] = action
        if not runs:
            self.waiting.setdefault(like.object, []).append(new)
        return action

    def start_next(self, uri: str) -> None:
        """Start the first that waits on an object where nothing runs."""
        queue = self.waiting.get(uri, [])
        if uri and queue and not self.runs_on(uri):
            action = self.actions[queue.pop(0)]
            action.state, action.start = State.IN_PROGRESS, Told()
            action.place = (1, self._ticks, action.number)
            action.history.append("action.started")


def _walk(uri: str, ways: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    ring = dict.fromkeys(ways.get(uri, ()))
    while ring:
        found.update(ring)
        ring = dict.fromkeys(there for one in ring for there in ways.get(one, ()) if there not in found)
    return tuple(found)


def _fits(action: ModelAction, question: Question) -> bool:
    wanted: Iterable[tuple[object, Sequence[object]]] = (
        (action.state, question.states),
        (action.user, question.users),
        (action.action, question.actions),
        (action.method, question.methods),
        (action.ip, question.ips),
        (action.id, question.ids),
    )
    return (
        all(value in values for value, values in wanted if values)
        and (question.prefix is None or action.id.hex.startswith(question.prefix))
        and question.is_user_action in (None, action.is_user_action)
        and _within(action.start, question.start_from, question.start_to)
        and _within(action.end, question.end_from, question.end_to)
    )


def _within(date: Date, low: int | None, high: int | None) -> bool:
    if low is None and high is None:
        return True
    return isinstance(date, int) and (low is None or date >= low) and (high is None or date <= high)


def _had(action: ModelAction) -> str:
    return f"it had ended ({action.state})" if action.state in ENDED else f"it was {action.state}"


def _known(model: Model, command: Any, then: Callable[[ModelAction], Verdict]) -> Verdict:  # noqa: ANN401  # has an id
    action = model.actions.get(command.id)
    return Verdict(Outcome.UNKNOWN, "since this namespace has no such action") if action is None else then(action)


def _expect_record(model: Model, command: RecordAction) -> Verdict:
    for parent in command.parents:
        if command.object == parent or command.object in model.above(parent):
            return Verdict(Outcome.REFUSED, f"since {command.object} is {parent} or above it")
    state = model.starts_as(command.state, command.object)
    if state in ENDED:
        return Verdict(Outcome.MADE, "since it had ended")
    if command.state is State.PENDING and command.object:
        return Verdict(
            Outcome.BEGUN, f"since {'something' if state is State.PENDING else 'nothing'} runs or waits on its object"
        )
    return Verdict(Outcome.BEGUN, "since it runs")


def _expect_cancel(model: Model, command: RequestCancel) -> Verdict:
    def verdict(action: ModelAction) -> Verdict:
        if action.state not in (State.PENDING, State.IN_PROGRESS):
            return Verdict(Outcome.REFUSED, f"since {_had(action)}")
        if not action.may_be_canceled:
            return Verdict(Outcome.REFUSED, "since whoever recorded it forbade that")
        return Verdict(Outcome.BEGUN, f"since {_had(action)}")

    return _known(model, command, verdict)


def _expect_finish(model: Model, command: Finish) -> Verdict:
    def verdict(action: ModelAction) -> Verdict:
        if command.state in REPORTS.get(action.state, ()):
            return Verdict(Outcome.DONE, f"since {_had(action)}")
        asked = " and nobody had asked to cancel it" if action.state is State.IN_PROGRESS else ""
        return Verdict(Outcome.REFUSED, f"since {_had(action)}{asked}")

    return _known(model, command, verdict)


def _expect_retry(model: Model, command: Retry) -> Verdict:
    def verdict(action: ModelAction) -> Verdict:
        if action.state not in ENDED:
            return Verdict(Outcome.REFUSED, f"since {_had(action)}")
        if not action.may_be_retried:
            return Verdict(Outcome.REFUSED, "since whoever recorded it forbade that")
        return Verdict(Outcome.BEGUN, f"since {_had(action)}")

    return _known(model, command, verdict)


def _expect_append(model: Model, command: AppendOutput) -> Verdict:
    def verdict(action: ModelAction) -> Verdict:
        return Verdict(Outcome.DONE if action.state in REPORTS else Outcome.REFUSED, f"since {_had(action)}")

    return _known(model, command, verdict)


def _expect_relate(model: Model, command: StateParent) -> Verdict:
    if command.parent in model.holds.get(command.child, []):
        return Verdict(Outcome.DONE, "since it held already")
    if command.parent == command.child or command.child in model.above(command.parent):
        return Verdict(Outcome.REFUSED, f"since {command.child} is {command.parent} or above it")
    return Verdict(Outcome.MADE, "since it did not hold before")


def _expect_unrelate(model: Model, command: EndParent) -> Verdict:
    if command.parent in model.holds.get(command.child, []):
        return Verdict(Outcome.DONE, "since it held")
    return Verdict(Outcome.UNKNOWN, "since it does not hold")


def _record(model: Model, command: RecordAction, new: UUID | None) -> ModelAction:
    for parent in command.parents:
        model.relate(parent, command.object)
    return model.add(new, command)


def _cancel(model: Model, command: RequestCancel, _new: UUID | None) -> ModelAction:
    action = model.actions[command.id]
    if action.state is State.PENDING:
        action.state, action.end = State.CANCELED, Told()
        action.history.append("action.ended")
        model.waiting[action.object].remove(action.id)
    else:
        action.state = State.CANCELING
        action.history.append("action.cancel-requested")
    return action


def _finish(model: Model, command: Finish, _new: UUID | None) -> ModelAction:
    action = model.actions[command.id]
    action.state, action.end = command.state, Told()
    action.history.append("action.ended")
    model.start_next(action.object)
    return action


def _retry(model: Model, command: Retry, new: UUID | None) -> ModelAction:
    old = model.actions[command.id]
    old.history.append("action.retried")
    again = RecordAction(
        id=command.retry, namespace="", by=command.by, action=old.action, method=old.method, path=old.path,
        state=State.PENDING, object=old.object, body=old.body, user=model.user, can_be_canceled=old.may_be_canceled,
        can_be_retried=old.may_be_retried,
    )  # fmt: skip
    action = model.add(new, again, retry_of=old.id)
    action.ip = Told()
    if model.user is None:
        action.user = Told()
    return action


def _append(model: Model, command: AppendOutput, _new: UUID | None) -> ModelAction:
    action = model.actions[command.id]
    action.lines += [line.text for line in command.lines]
    return action


def _state_parent(model: Model, command: StateParent, _new: UUID | None) -> None:
    model.relate(command.parent, command.child)


def _end_parent(model: Model, command: EndParent, _new: UUID | None) -> None:
    model.holds[command.child].remove(command.parent)


# Any: each function takes the one command type that it stands under, which no type of a dict can say.
_EXPECT: dict[type[Any], Callable[[Model, Any], Verdict]] = {
    RecordAction: _expect_record,
    RequestCancel: _expect_cancel,
    Finish: _expect_finish,
    Retry: _expect_retry,
    AppendOutput: _expect_append,
    StateParent: _expect_relate,
    EndParent: _expect_unrelate,
}
_APPLY: dict[type[Any], Callable[[Model, Any, UUID | None], ModelAction | None]] = {
    RecordAction: _record,
    RequestCancel: _cancel,
    Finish: _finish,
    Retry: _retry,
    AppendOutput: _append,
    StateParent: _state_parent,
    EndParent: _end_parent,
}
