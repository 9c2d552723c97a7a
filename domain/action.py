"""The Action aggregate: one recorded call and its life. `decide` is what may happen, `evolve` what did; both pure."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from deedbook.domain import errors
from deedbook.domain.commands import (
    AppendOutput,
    Finish,
    ImportAction,
    RecordAction,
    RecordedCall,
    RequestCancel,
    Retry,
)
from deedbook.domain.events import (
    ActionEnded,
    ActionEvent,
    ActionRecorded,
    ActionRetried,
    ActionStarted,
    Caller,
    CancelRequested,
)
from deedbook.domain.lifecycle import FINAL, ON_CANCEL, RUNNING, State, allows, steps


class Action(Struct, frozen=True, gc=False):
    """An action as its events leave it: `state`, `start` and `end` move, what was recorded does not."""

    id: UUID
    recorded: ActionRecorded
    state: State
    start: int | None
    end: int | None

    @property
    def can_be_canceled(self) -> bool:
        """Whether a user may cancel it now: the state allows it and the recorder did not forbid it."""
        return self.recorded.can_be_canceled and self.state in ON_CANCEL

    @property
    def can_be_retried(self) -> bool:
        """Whether a user may retry it now: it has ended and the recorder did not forbid it."""
        return self.recorded.can_be_retried and self.state in FINAL


class Facts(Struct, frozen=True):
    """What a decision needs to know beside the action itself.

    now: the date of the writer's transaction; above: all objects above the action's, nearest first; lane_is_free:
    nothing runs or waits on its object; lines and digest: of its output so far.
    """

    now: int
    above: tuple[str, ...] = ()
    lane_is_free: bool = True
    lines: int = 0
    digest: bytes = b""


def evolve(action: Action | None, aggregate: UUID, event: ActionEvent) -> Action:
    """Return the action after `event`; `action` is None before the first."""
    if action is None:
        if not isinstance(event, ActionRecorded):
            raise TypeError(f"the first event of an action is ActionRecorded, not {type(event).__name__}")
        return Action(aggregate, event, event.state, event.start, event.end)
    state, start, end = live(action.state, action.start, action.end, event)
    return Action(aggregate, action.recorded, state, start, end)


def live(state: State, start: int | None, end: int | None, event: ActionEvent) -> tuple[State, int | None, int | None]:
    """Return state, start and end after `event`: the part of an action that its later events move."""
    match event:
        case ActionStarted():
            return State.IN_PROGRESS, event.at, end
        case CancelRequested():
            return State.CANCELING, start, end
        case ActionEnded():
            return event.state, start, event.at
    return state, start, end


def record(command: RecordAction, facts: Facts) -> ActionRecorded:
    """Decide how a new action is recorded: one that asked to wait is found In progress where its lane is free."""
    state, start, end = command.state, command.start, command.end
    takes_lane = bool(command.object) and state not in FINAL
    if state is State.PENDING and (facts.lane_is_free or not command.object):
        state, start = State.IN_PROGRESS, facts.now
    elif state in FINAL:
        # A start may lie in the future, by as much as clocks differ; no action ends before it.
        end = max(facts.now, start or 0) if end is None else end
        start = min(facts.now, end) if start is None else start
    elif state is State.IN_PROGRESS and start is None:
        start = facts.now
    created = facts.now if start is None else start
    return _recorded(command, facts, created, (state, start, end), facts.above, lane=takes_lane)


def import_(command: ImportAction, facts: Facts) -> ActionRecorded:
    """Decide how an action from elsewhere is taken over: as it is, outside every lane."""
    life = command.state, command.start, command.end
    return _recorded(command, facts, command.created, life, command.parents, imported=True)


def _recorded(
    call: RecordedCall,
    facts: Facts,
    created: int,
    life: tuple[State, int | None, int | None],
    parents: tuple[str, ...],
    *,
    lane: bool = False,
    imported: bool = False,
) -> ActionRecorded:
    """Return the event that a call is recorded by, with its state, start and end."""
    state, start, end = life
    # By name: to copy what is the same from a list of names would take twice as long, and every recording does it.
    return ActionRecorded(
        at=facts.now,
        namespace=call.namespace,
        action=call.action,
        method=call.method,
        path=call.path,
        state=state,
        created=created,
        by=call.by,
        object=call.object,
        parents=parents,
        start=start,
        end=end,
        user=call.user,
        user_agent=call.user_agent,
        ip=call.ip,
        location=call.location,
        is_user_action=call.is_user_action,
        can_be_canceled=call.can_be_canceled,
        can_be_retried=call.can_be_retried,
        body=call.body,
        retry_of=call.retry_of,
        imported=imported,
        lane=lane,
        lines=facts.lines,
        digest=facts.digest,
    )


def decide(action: Action, command: "ActionCommand", facts: Facts) -> list[ActionEvent]:
    """Return what happens to `action` when `command` is given, or raise why it is refused."""
    return _DECISIONS[type(command)](action, command, facts)


def _request_cancel(action: Action, command: RequestCancel, facts: Facts) -> list[ActionEvent]:
    target = ON_CANCEL.get(action.state)
    if target is None:
        raise errors.NotCancelable(action.state)
    if not action.recorded.can_be_canceled:
        raise errors.CancelForbidden
    if target is State.CANCELING:
        return [CancelRequested(at=facts.now, by=command.by)]
    return [_ended(command.by, target, None, facts)]


def _finish(action: Action, command: Finish, facts: Facts) -> list[ActionEvent]:
    is_end = action.state in RUNNING and command.state in FINAL
    if not is_end or not allows(action.state, command.state):
        raise errors.NotFinishable(action.state, command.state)
    ended = _ended(command.by, command.state, command.reason, facts)
    return [msgspec.structs.replace(ended, at=max(facts.now, action.start or 0))]


def _retry(action: Action, command: Retry, facts: Facts) -> list[ActionEvent]:
    if action.state not in FINAL:
        raise errors.NotRetriable(action.state)
    if not action.recorded.can_be_retried:
        raise errors.RetryForbidden
    return [ActionRetried(at=facts.now, by=command.by, retry=command.retry)]


def _append_output(action: Action, _command: AppendOutput, _facts: Facts) -> list[ActionEvent]:
    if action.state is State.PENDING:
        raise errors.OutputNotBegun
    if action.state in FINAL:
        raise errors.OutputClosed(action.state)
    return []


def _catch_up(action: Action, command: ImportAction, facts: Facts) -> list[ActionEvent]:
    """Bring an imported action to the state that a later file knows it in; nothing where no way leads there.

    One that was recorded here is left alone: its lane and its worker know better than any file.
    """
    happened: list[ActionEvent] = []
    if not action.recorded.imported:
        return happened
    for state in steps(action.state, command.state) or ():
        at = facts.now if command.end is None else command.end
        if state is State.IN_PROGRESS:
            happened.append(ActionStarted(at=at if command.start is None else command.start, by=command.by))
        elif state is State.CANCELING:
            happened.append(CancelRequested(at=at, by=command.by))
        else:
            event = _ended(command.by, state, None, facts)
            happened.append(msgspec.structs.replace(event, at=at))
    return happened


def _ended(by: Caller, state: State, reason: str | None, facts: Facts) -> ActionEnded:
    return ActionEnded(at=facts.now, by=by, state=state, reason=reason, lines=facts.lines, digest=facts.digest)


ActionCommand = RequestCancel | Finish | Retry | AppendOutput | ImportAction

# Any: each function takes the one command type that it stands under, which no type of a dict can say.
_DECISIONS: dict[type[Any], Callable[[Action, Any, Facts], list[ActionEvent]]] = {
    RequestCancel: _request_cancel,
    Finish: _finish,
    Retry: _retry,
    AppendOutput: _append_output,
    ImportAction: _catch_up,
}


def again(action: Action, command: Retry) -> RecordAction:
    """Return the recording of a retry: the same call, by whoever retried, waiting its turn as any other."""
    old = action.recorded
    return RecordAction(
        id=command.retry,
        namespace=old.namespace,
        by=command.by,
        action=old.action,
        method=old.method,
        path=old.path,
        state=State.PENDING,
        object=old.object,
        body=old.body,
        user=command.by.user,
        user_agent=command.by.agent,
        ip=command.by.address,
        location="unknown",
        retry_of=action.id,
        can_be_canceled=old.can_be_canceled,
        can_be_retried=old.can_be_retried,
    )
