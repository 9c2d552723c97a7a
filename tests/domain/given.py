"""Given what happened, when a command comes: actions made of their events, for the tests of pure decisions."""

from typing import Any
from uuid import UUID

import msgspec

from deedbook.domain.action import Action, ActionCommand, evolve
from deedbook.domain.commands import AppendOutput, Finish, Line, RequestCancel, Retry
from deedbook.domain.events import ActionEnded, ActionEvent, ActionRecorded, ActionStarted, Caller, CancelRequested
from deedbook.domain.lifecycle import State

ID, ANOTHER = UUID("6f1f2a3e-6c2b-4c39-9d8a-0c6f5f0f7a11"), UUID("0c8fa3b9-7f7c-4d0a-9d5e-2f6a1c3b4e5d")
ANN, BOB = Caller("ann", "192.0.2.1", "curl"), Caller("bob", "192.0.2.2", "browser")

#: Dates of the examples: recorded at 1,000; what is decided now is decided at 5,000.
THEN, NOW = 1_000, 5_000


def recorded(state: State = State.IN_PROGRESS, **more: Any) -> ActionRecorded:  # noqa: ANN401  # any field
    """Return the event of an action that was recorded in a state, with dates that fit it."""
    start = None if state is State.PENDING else THEN
    end = THEN if state in (State.SUCCESS, State.FAILED, State.CANCELED) else None
    fields = {"at": THEN, "created": THEN, "start": start, "end": end, "by": ANN, "object": "/a/", **more}
    return ActionRecorded(namespace="acme", action="Scale", method="POST", path="/", state=state, **fields)


def ended(state: State, at: int = THEN) -> ActionEnded:
    """Return the event that ends an action."""
    return ActionEnded(at=at, by=ANN, state=state)


#: How an action comes into each state.
HISTORIES: dict[State, list[ActionEvent]] = {
    State.PENDING: [recorded(State.PENDING)],
    State.IN_PROGRESS: [recorded(State.PENDING), ActionStarted(at=2_000, by=BOB, after=ANOTHER)],
    State.CANCELING: [recorded(), CancelRequested(at=2_000, by=BOB)],
    State.CANCELED: [recorded(), CancelRequested(at=2_000, by=BOB), ended(State.CANCELED, 3_000)],
    State.SUCCESS: [recorded(), ended(State.SUCCESS, 3_000)],
    State.FAILED: [recorded(State.FAILED)],
}


def given(*events: ActionEvent) -> Action:
    """Return the action to which these events happened."""
    action = None
    for event in events:
        action = evolve(action, ID, event)
    assert action is not None
    return action


def given_state(state: State, **changes: Any) -> Action:  # noqa: ANN401  # any field of what was recorded
    """Return an action that came into a state."""
    first, *later = HISTORIES[state]
    return given(msgspec.structs.replace(first, **changes), *later)


def finish(state: State, reason: str | None = None) -> Finish:
    """Return a worker's report."""
    return Finish(id=ID, namespace="acme", by=BOB, state=state, reason=reason)


CANCEL = RequestCancel(id=ID, namespace="acme", by=BOB)
RETRY = Retry(id=ID, namespace="acme", by=BOB, retry=ANOTHER)
APPEND = AppendOutput(id=ID, namespace="acme", lines=(Line("line"),))
COMMANDS: list[ActionCommand] = [CANCEL, RETRY, APPEND, *(finish(state) for state in sorted(State))]
