"""What can be done to an action in which state, and where it leads."""

from collections.abc import Callable

import pytest

from tests.web.api.callers import Caller, Json, Tenant

STATES = ("Pending", "In progress", "Canceling", "Canceled", "Success", "Failed")

#: By operation: from each state where it is allowed, the status and the state of the action in the answer.
ALLOWED: dict[str, dict[str, tuple[int, str]]] = {
    "cancel": {"Pending": (202, "Canceled"), "In progress": (202, "Canceling")},
    "retry": dict.fromkeys(("Success", "Failed", "Canceled"), (202, "In progress")),
    "finish as Success": dict.fromkeys(("In progress", "Canceling"), (200, "Success")),
    "finish as Failed": dict.fromkeys(("In progress", "Canceling"), (200, "Failed")),
    "finish as Canceled": {"Canceling": (200, "Canceled")},
}
UNKNOWN = ("00000000-0000-4000-8000-000000000000", "6246c5", "x")


def in_state(tenant: Tenant, state: str, **fields: object) -> Json:
    """Return an action that was brought to a state."""
    if state in ("Success", "Failed", "In progress"):
        return tenant.recorder.record(state=state, **fields)
    if state == "Pending":
        tenant.recorder.record(state="In progress", object="/busy")
        return tenant.recorder.record(state="Pending", object="/busy", **fields)
    canceling = tenant.operator.act(in_state(tenant, "In progress", **fields), "cancel")
    return canceling if state == "Canceling" else tenant.recorder.act(canceling, "finish", {"state": state})


def path_of(action: Json, operation: str) -> tuple[str, Json | None]:
    """Return path and body of an operation."""
    name, _, state = operation.partition(" as ")
    return f"/action/{action['uuid']}/{name}/", {"state": state} if state else None


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("operation", ALLOWED)
def test_an_operation_is_done_where_the_table_allows_it(tenant: Tenant, operation: str, state: str) -> None:
    """Else it is a 409 that changes nothing."""
    before = in_state(tenant, state)
    answer = tenant.operator.post(*path_of(before, operation))
    allowed = ALLOWED[operation].get(state)
    if allowed is None:
        assert (answer.status_code, state in answer.json()["error"]) == (409, True)
        assert tenant.auditor.fetch(before) == before
        return
    assert (answer.status_code, answer.json()["state"]) == allowed
    assert answer.headers["x-dockercloud-action-uri"] == answer.json()["resource_uri"]
    assert tenant.auditor.fetch(answer.json()) == answer.json()
    assert (answer.json()["uuid"] == before["uuid"]) is (operation != "retry")


@pytest.mark.parametrize("state", STATES)
def test_the_flags_say_what_may_be_done_now(tenant: Tenant, state: str) -> None:
    """They are derived from the state, and from what the recorder allowed."""
    action = in_state(tenant, state)
    assert action["can_be_canceled"] is (state in ALLOWED["cancel"])
    assert action["can_be_retried"] is (state in ALLOWED["retry"])
    forbidden = in_state(tenant, "In progress", can_be_canceled=False, can_be_retried=False)
    assert (forbidden["can_be_canceled"], forbidden["can_be_retried"]) == (False, False)


def test_what_its_recorder_forbade_to_cancel_can_t_be_canceled(recorder: Caller, operator: Caller) -> None:
    """409, also for an admin's key; it can be finished all the same."""
    running = recorder.record(state="In progress", can_be_canceled=False)
    assert operator.post(f"/action/{running['uuid']}/cancel/").status_code == 409
    assert recorder.act(running, "finish", {"state": "Success"})["can_be_retried"] is True


def test_what_its_recorder_forbade_to_retry_can_t_be_retried(recorder: Caller, operator: Caller) -> None:
    """409."""
    ended = recorder.record(can_be_retried=False)
    assert operator.post(f"/action/{ended['uuid']}/retry/").status_code == 409


def test_a_retry_is_a_new_action_by_whoever_retried(recorder: Caller, operator: Caller) -> None:
    """Operation, method, path, object and body are copied; caller, address, agent and dates are its own."""
    copied = {"action": "Scale", "method": "PATCH", "path": "/p?q=1", "object": "/o", "body": '{"n": 3}'}
    old = recorder.record(
        **copied, state="Failed", user="ann", ip="10.0.0.1", user_agent="a", location="Rome", start_date="2014-09-17"
    )
    answer = operator.post(f"/action/{old['uuid']}/retry/", headers={"user-agent": "the operator's"})
    new = answer.json()
    assert {key: new[key] for key in copied} == copied
    assert (new["user"], new["ip"], new["user_agent"]) == (operator.user, "127.0.0.1", "the operator's")
    assert new["location"] == "unknown"
    assert (new["state"], new["retry_of"]) == ("In progress", old["resource_uri"])
    assert new["created"] > "2014" != old["created"]
    assert (new["end_date"], new["duration"]) == (None, None)


def test_a_retry_leaves_the_old_one_as_it_ended(recorder: Caller, operator: Caller) -> None:
    """A failure stays in the list beside its retry; and it can be retried again."""
    old = recorder.record(state="Failed")
    operator.act(old, "retry")
    assert recorder.fetch(old) == old
    assert operator.act(old, "retry")["retry_of"] == old["resource_uri"]
    assert recorder.page("state=Failed")["meta"]["total_count"] == 1


def test_a_retry_inherits_what_its_recorder_forbade(recorder: Caller, operator: Caller) -> None:
    """It can't be canceled where the first could not."""
    new = operator.act(recorder.record(can_be_canceled=False), "retry")
    assert (new["state"], new["can_be_canceled"]) == ("In progress", False)
    assert operator.post(f"/action/{new['uuid']}/cancel/").status_code == 409


def test_a_retry_waits_its_turn(recorder: Caller, operator: Caller) -> None:
    """As a Pending one: it starts at once on a free object only."""
    old = recorder.record(state="Failed", object="/o")
    running = recorder.record(state="In progress", object="/o")
    assert operator.act(old, "retry")["state"] == "Pending"
    recorder.act(running, "finish", {"state": "Success"})
    states = [action["state"] for action in recorder.listed("object=/o")]
    assert states == ["Failed", "Success", "In progress"]


def test_a_retry_can_be_retried(recorder: Caller, operator: Caller) -> None:
    """It names the one that it retries, not the first."""
    second = operator.act(recorder.record(), "retry")
    recorder.act(second, "finish", {"state": "Failed"})
    assert operator.act(second, "retry")["retry_of"] == second["resource_uri"]


def test_what_was_canceled_while_it_waited_never_started(recorder: Caller, operator: Caller) -> None:
    """It has no start, and no duration."""
    recorder.record(state="In progress", object="/o")
    canceled = operator.act(recorder.record(state="Pending", object="/o"), "cancel")
    assert (canceled["state"], canceled["start_date"], canceled["duration"]) == ("Canceled", None, None)
    assert canceled["end_date"] is not None
    assert operator.act(canceled, "retry")["state"] == "Pending"


def test_waiting_ones_start_one_after_the_other(recorder: Caller) -> None:
    """In order of arrival, each when the one before has ended, however it ended."""
    first = recorder.record(state="In progress", object="/o")
    queue = recorder.batch(*[{"state": "Pending", "object": "/o"}] * 3)
    assert [action["state"] for action in queue] == ["Pending"] * 3
    for n, (running, state) in enumerate(zip([first, *queue], ["Success", "Failed", "Success", "Failed"], strict=True)):
        recorder.act(running, "finish", {"state": state})
        states = [recorder.fetch(action)["state"] for action in queue[n:]]
        assert states == (["In progress"] + ["Pending"] * (len(states) - 1) if states else [])


def test_one_that_left_the_queue_is_passed_over(recorder: Caller, operator: Caller) -> None:
    """The one behind a canceled one starts."""
    first = recorder.record(state="In progress", object="/o")
    canceled, behind = recorder.batch(*[{"state": "Pending", "object": "/o"}] * 2)
    operator.act(canceled, "cancel")
    assert recorder.fetch(behind)["state"] == "Pending"
    recorder.act(first, "finish", {"state": "Success"})
    assert recorder.fetch(behind)["state"] == "In progress"


@pytest.mark.parametrize("end", ["Canceled", "Success", "Failed"])
def test_what_is_being_canceled_still_runs(recorder: Caller, operator: Caller, end: str) -> None:
    """What waits starts only when its worker has reported the end."""
    running = recorder.record(state="In progress", object="/o")
    waits = recorder.record(state="Pending", object="/o")
    operator.act(running, "cancel")
    assert recorder.fetch(waits)["state"] == "Pending"
    recorder.act(running, "finish", {"state": end})
    assert recorder.fetch(waits)["state"] == "In progress"


def test_what_is_recorded_in_progress_runs_at_once(recorder: Caller) -> None:
    """Whatever else runs or waits on its object; and what waits waits for all of them."""
    running = [recorder.record(state="In progress", object="/o")]
    waits = recorder.record(state="Pending", object="/o")
    running.append(recorder.record(state="In progress", object="/o"))
    assert running[1]["state"] == "In progress"
    for action, state in zip(running, ["Pending", "In progress"], strict=True):
        recorder.act(action, "finish", {"state": "Success"})
        assert recorder.fetch(waits)["state"] == state


def test_what_is_pending_waits_behind_what_waits(recorder: Caller, operator: Caller) -> None:
    """Also when nothing runs any more but the one before it."""
    running = recorder.record(state="In progress", object="/o")
    first, second = recorder.batch(*[{"state": "Pending", "object": "/o"}] * 2)
    recorder.act(running, "finish", {"state": "Success"})
    third = recorder.record(state="Pending", object="/o")
    states = [recorder.fetch(action)["state"] for action in (first, second, third)]
    assert states == ["In progress", "Pending", "Pending"]
    operator.act(second, "cancel")
    recorder.act(first, "finish", {"state": "Success"})
    assert recorder.fetch(third)["state"] == "In progress"


def test_lanes_are_of_an_object_in_a_namespace(tenant: Tenant, other: Tenant) -> None:
    """What runs on another object, or on one of the same name elsewhere, keeps nobody waiting."""
    tenant.recorder.record(state="In progress", object="/o")
    assert tenant.recorder.record(state="Pending", object="/O")["state"] == "In progress"
    assert other.recorder.record(state="Pending", object="/o")["state"] == "In progress"


def test_what_is_recorded_finished_keeps_nobody_waiting(recorder: Caller) -> None:
    """It takes no lane."""
    recorder.batch({"object": "/o"}, {"object": "/o", "state": "Failed"})
    assert recorder.record(state="Pending", object="/o")["state"] == "In progress"


_FINISHES: dict[str, Callable[[], object]] = {
    "no state": dict,
    "an unknown state": lambda: {"state": "Done"},
    "a state that is no end": lambda: {"state": "In progress"},
    "a state that is null": lambda: {"state": None},
    "a reason that is a number": lambda: {"state": "Failed", "reason": 7},
    "an unknown key": lambda: {"state": "Failed", "why": "x"},
    "a list": lambda: ["Success"],
    "text": lambda: "Success",
}


@pytest.mark.parametrize("body", _FINISHES.values(), ids=_FINISHES.keys())
def test_a_report_that_makes_no_sense_is_refused(recorder: Caller, body: Callable[[], object]) -> None:
    """400, and the action runs on."""
    running = recorder.record(state="In progress")
    assert recorder.post(f"/action/{running['uuid']}/finish/", body()).status_code == 400
    assert recorder.fetch(running)["state"] == "In progress"


@pytest.mark.parametrize("reason", [None, "", "Error: no space left on device, ü"])
def test_a_report_may_give_a_reason(recorder: Caller, reason: str | None) -> None:
    """Or null, as if it were left out."""
    running = recorder.record(state="In progress")
    assert recorder.act(running, "finish", {"state": "Failed", "reason": reason})["state"] == "Failed"


@pytest.mark.parametrize("uuid", UNKNOWN)
@pytest.mark.parametrize("operation", ["cancel", "retry", "finish as Success", "logs", "fetch"])
def test_what_is_not_there_is_a_404(tenant: Tenant, operation: str, uuid: str) -> None:
    """Whatever is to be done to it, and even when the body is wrong."""
    if operation == "fetch":
        assert tenant.admin.get(f"/action/{uuid}/").status_code == 404
        return
    path, body = path_of({"uuid": uuid}, operation)
    for sent in (body, {"lines": ["x"]}, {"nonsense": 1}):
        assert tenant.admin.post(path, sent).status_code == 404
