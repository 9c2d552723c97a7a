"""The Action aggregate: given what happened, when a command comes, then this happens, or this is why not."""

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from deedbook.domain import errors
from deedbook.domain.action import Action, ActionCommand, Facts, again, decide, evolve, record
from deedbook.domain.commands import RecordAction
from deedbook.domain.events import ActionEnded, ActionEvent, ActionRetried, ActionStarted, CancelRequested
from deedbook.domain.lifecycle import FINAL, ON_CANCEL, RUNNING, State, allows
from deedbook.domain.testing.strategies import structs
from tests.domain.given import (
    ANOTHER,
    APPEND,
    BOB,
    CANCEL,
    COMMANDS,
    ID,
    NOW,
    RETRY,
    finish,
    given,
    given_state,
    recorded,
)

FACTS = Facts(NOW, lines=3, digest=b"digest")
STATES = sorted(State)


def when(action: Action, command: ActionCommand, facts: Facts = FACTS) -> list[ActionEvent]:
    """Return what happens to an action."""
    return decide(action, command, facts)


@pytest.mark.parametrize("state", STATES)
def test_an_action_is_what_its_events_say(state: State) -> None:
    """Each history ends in its state, with the dates of the events that moved it."""
    action = given_state(state)
    assert action.state is state
    assert (action.start is None) == (state is State.PENDING)
    assert (action.end is None) == (state not in FINAL)
    assert action.recorded is not None


def test_the_first_event_of_an_action_is_its_recording() -> None:
    """Anything else is no action."""
    with pytest.raises(TypeError, match="ActionRecorded, not ActionStarted"):
        evolve(None, ID, ActionStarted(at=NOW, by=BOB))


@pytest.mark.parametrize("state", STATES)
def test_what_runs_is_told_to_stop_and_what_waits_is_canceled(state: State) -> None:
    """Canceling leads where the table says, by whoever asked, now; from every other state it is refused."""
    action = given_state(state)
    if state is State.IN_PROGRESS:
        assert when(action, CANCEL) == [CancelRequested(at=NOW, by=BOB)]
    elif state is State.PENDING:
        assert when(action, CANCEL) == [ActionEnded(at=NOW, by=BOB, state=State.CANCELED, lines=3, digest=b"digest")]
    else:
        with pytest.raises(errors.NotCancelable, match=str(state)):
            when(action, CANCEL)


def test_what_was_canceled_while_it_waited_never_started() -> None:
    """It has an end and no start."""
    action = given_state(State.PENDING)
    for event in when(action, CANCEL):
        action = evolve(action, ID, event)
    assert (action.state, action.start, action.end) == (State.CANCELED, None, NOW)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("report", STATES)
def test_a_worker_reports_what_the_table_has(state: State, report: State) -> None:
    """What runs ends as reported where the table leads there, with the end of its output; all else is refused."""
    action, command = given_state(state), finish(report, "because")
    if state in RUNNING and report in FINAL and allows(state, report):
        expected = ActionEnded(at=NOW, by=BOB, state=report, reason="because", lines=3, digest=b"digest")
        assert when(action, command) == [expected]
    else:
        with pytest.raises(errors.NotFinishable, match=f"{state} can't be finished as {report}"):
            when(action, command)


def test_no_action_ends_before_it_starts() -> None:
    """One that started in the future, by a clock that is ahead, ends then and not before."""
    action = given(recorded(start=NOW + 60))
    (ended,) = when(action, finish(State.SUCCESS))
    assert ended.at == NOW + 60


@pytest.mark.parametrize("state", STATES)
def test_what_has_ended_can_be_retried(state: State) -> None:
    """The old action gets an event that says by whom and as what, and stays as it ended; what has not ended can't."""
    action = given_state(state)
    if state in FINAL:
        (event,) = when(action, RETRY)
        assert event == ActionRetried(at=NOW, by=BOB, retry=ANOTHER)
        assert evolve(action, ID, event) == action
    else:
        with pytest.raises(errors.NotRetriable, match=str(state)):
            when(action, RETRY)


@for_all(command=structs(RecordAction, state=st.sampled_from([State.SUCCESS, State.FAILED])))
def test_a_retry_is_the_same_call_by_whoever_retried(command: RecordAction) -> None:
    """It copies operation, method, path, object, body and what was forbidden, and nothing of who, where and when."""
    old = evolve(None, command.id, record(command, FACTS))
    new = again(old, RETRY)
    copied = ("namespace", "action", "method", "path", "object", "body", "can_be_canceled", "can_be_retried")
    assert {name: getattr(new, name) for name in copied} == {name: getattr(command, name) for name in copied}
    assert (new.user, new.ip, new.user_agent, new.by) == (BOB.user, BOB.address, BOB.agent, BOB)
    assert (new.id, new.retry_of, new.state) == (ANOTHER, old.id, State.PENDING)
    assert (new.start, new.end, new.parents, new.location, new.is_user_action) == (None, None, (), "unknown", True)


@pytest.mark.parametrize("state", STATES)
def test_only_what_runs_has_output(state: State) -> None:
    """Lines are taken while an action runs, also while it is being canceled; neither before nor after."""
    action = given_state(state)
    if state in RUNNING:
        assert when(action, APPEND) == []
    else:
        refusal = errors.OutputNotBegun if state is State.PENDING else errors.OutputClosed
        with pytest.raises(refusal):
            when(action, APPEND)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("allowed", [True, False])
def test_what_may_be_done_follows_from_state_and_permission(state: State, *, allowed: bool) -> None:
    """`can_be_canceled` and `can_be_retried` are true exactly where the command would not be refused."""
    action = given_state(state, can_be_canceled=allowed, can_be_retried=allowed)
    assert action.can_be_canceled == (allowed and state in ON_CANCEL)
    assert action.can_be_retried == (allowed and state in FINAL)
    for command, can in ((CANCEL, action.can_be_canceled), (RETRY, action.can_be_retried)):
        try:
            when(action, command)
        except errors.Refused:
            assert not can
        else:
            assert can


def test_what_the_recorder_forbade_has_its_own_refusal() -> None:
    """It says that it was forbidden; where the state stands in the way too, that is said first."""
    forbidden = {"can_be_canceled": False, "can_be_retried": False}
    for state, command, refusal in (
        (State.IN_PROGRESS, CANCEL, errors.CancelForbidden), (State.PENDING, CANCEL, errors.CancelForbidden),
        (State.SUCCESS, RETRY, errors.RetryForbidden), (State.SUCCESS, CANCEL, errors.NotCancelable),
        (State.PENDING, RETRY, errors.NotRetriable),
    ):  # fmt: skip
        with pytest.raises(refusal):
            when(given_state(state, **forbidden), command)


@for_all(state=st.sampled_from(STATES), commands=st.lists(st.sampled_from(COMMANDS), max_size=8))
def test_whatever_comes_states_move_as_the_table_says(state: State, commands: list[ActionCommand]) -> None:
    """Any commands in any order: each step that an action takes is in the table, and a final state is for ever."""
    action = given_state(state)
    for command in commands:
        try:
            happened = when(action, command)
        except errors.Refused:
            continue
        for event in happened:
            after = evolve(action, ID, event)
            assert after.state is action.state or allows(action.state, after.state)
            assert not (action.state in FINAL and after != action)
            action = after
