"""What stands around actions: their users, their objects, their retries."""

import pytest

from tests.web.api.callers import CALL, Caller, Json, Tenant, document


def told(caller: Caller, path: str) -> Json:
    """Return what is told at a path."""
    answer = caller.get(path)
    assert answer.status_code == 200, answer.text
    return document(answer)


def test_users_have_their_actions_counted(tenant: Tenant, other: Tenant) -> None:
    """By name, with the last action; page by page; `q` finds some; nobody else's are there."""
    other.recorder.record(user="mallory")
    tenant.recorder.batch({"user": "Zoe"}, {"user": "ann"}, {"user": "ann"}, {"user": None})
    last = tenant.recorder.record(user="ann")
    page = told(tenant.auditor, "/user/")
    assert [(user["user"], user["actions"], user["namespace"]) for user in page["objects"]] == [
        ("Zoe", 1, tenant.namespace), ("ann", 3, tenant.namespace)
    ]  # fmt: skip
    assert page["objects"][1]["last_action"] == last["resource_uri"]
    assert page["objects"][1]["last_date"] == last["start_date"]
    first = told(tenant.auditor, "/user/?limit=1")
    assert first["meta"] == {
        "limit": 1, "offset": 0, "next": "/api/audit/v1/user/?limit=1&offset=1", "previous": None, "total_count": 2
    }  # fmt: skip
    assert [user["user"] for user in told(tenant.auditor, "/user/?q=ZO")["objects"]] == ["Zoe"]


def test_retries_are_told_before_and_after(tenant: Tenant) -> None:
    """Of an action in the middle: what it retries, and what retries it, as the list has them."""
    first = tenant.recorder.record(action="Deploy", state="Failed")
    second = tenant.operator.act(first, "retry")
    tenant.recorder.act(second, "finish", {"state": "Failed"})
    third = tenant.operator.act(second, "retry")
    path = f"/action/{second['uuid']}/retries/"
    assert told(tenant.auditor, path) == {
        "before": [tenant.auditor.fetch(first)], "after": [tenant.auditor.fetch(third)], "is_whole": True
    }  # fmt: skip
    assert told(tenant.auditor, f"/action/{first['uuid']}/retries/")["before"] == []
    assert tenant.auditor.get("/action/00000000-0000-4000-8000-000000000000/retries/").status_code == 404


def test_an_object_has_its_lane_and_its_trees(tenant: Tenant) -> None:
    """What runs and what waits, in order; how many actions; what is above and below, with theirs."""
    recorder = tenant.recorder
    recorder.relate("/stack", "/service")
    recorder.relate("/service", "/container")
    recorder.unrelate("/service", "/container")
    running, waiting, done = recorder.batch(
        {"object": "/service", "state": "In progress"}, {"object": "/service", "state": "Pending"},
        {"object": "/service"},
    )  # fmt: skip
    recorder.record(object="/container")
    about = told(tenant.auditor, "/object/?object=/service")
    assert about["lane"] == {
        "running_count": 1, "running": [running], "waiting_count": 1, "waiting": [waiting]
    }  # fmt: skip
    assert (about["actions"], about["related_actions"], done["state"]) == (3, 4, "Success")
    (above,), (below,) = about["above"], about["below"]
    assert (above["uri"], above["actions"], above["until"], above["nodes"]) == ("/stack", 0, None, [])
    assert (below["uri"], below["actions"], below["until"] is None) == ("/container", 1, False)
    assert (about["above_is_whole"], about["below_is_whole"]) == (True, True)


def test_an_object_that_was_never_seen_is_not_there(tenant: Tenant, other: Tenant) -> None:
    """404, also where another namespace has it."""
    other.recorder.record(object="/theirs")
    assert tenant.auditor.get("/object/?object=/theirs").status_code == 404
    assert other.auditor.get("/object/?object=/theirs").status_code == 200


@pytest.mark.parametrize(
    "path",
    ["/object/", "/object/?object=", "/object/?object=a&object=b", "/object/?object=a&colour=red", "/user/?colour=red",
     "/user/?limit=0", "/user/?q=", "/action/{}/retries/?limit=1"],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(recorder: Caller, path: str) -> None:
    """400."""
    action = document(recorder.post("/action/", CALL))
    answer = recorder.get(path.format(action["uuid"]))
    assert (answer.status_code, "error" in answer.json()) == (400, True)
