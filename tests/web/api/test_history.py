"""What happened to one action, and the log page by page: each event with who did it and what it changed."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.web.api.callers import Caller, Json, Tenant, document


def history(caller: Caller, action: Json) -> list[Json]:
    """Return every event of an action."""
    answer = caller.get(f"/action/{action['uuid']}/history/")
    assert answer.status_code == 200, answer.text
    told = document(answer)
    assert list(told) == ["objects"]
    return list(told["objects"])


def page(caller: Caller, query: str = "") -> Json:
    """Return a page of the log."""
    answer = caller.get(f"/event/?{query}")
    assert answer.status_code == 200, answer.text
    return document(answer)


def pages(caller: Caller, query: str) -> list[Json]:
    """Return the events of all pages, from the one that a query names."""
    found, told = [], page(caller, query)
    while True:
        found += told["objects"]
        if told["meta"]["next"] is None:
            return found
        told = page(caller, told["meta"]["next"].partition("?")[2])


def start(caller: Caller) -> int:
    """Return the log's head."""
    return int(caller.get("/event/?limit=1").headers["deedbook-position"])


def changed(event: Json) -> dict[str, tuple[Any, Any]]:
    """Return what an event changed, as pairs."""
    return {name: (change["from"], change["to"]) for name, change in event["changes"].items()}


def test_a_life_is_told_event_by_event(tenant: Tenant) -> None:
    """Recorded, started, canceled, ended, retried: each with its version, its state, and what it changed."""
    recorder, operator = tenant.recorder, tenant.operator
    first = recorder.record(state="In progress", object="/web/", parents=["/shop/"])
    second = recorder.record(state="Pending", object="/web/", user="eve", body="{}")
    recorder.act(first, "finish", {"state": "Failed", "reason": "no disk"})
    recorder.act(second, "logs", {"lines": ["one", "two"]})
    operator.act(second, "cancel")
    recorder.act(second, "finish", {"state": "Canceled"})
    third = operator.act(second, "retry")
    recorded, started, requested, ended, retried = history(tenant.auditor, second)
    now = recorder.fetch(second)

    assert [one["version"] for one in (recorded, started, requested, ended, retried)] == [1, 2, 3, 4, 5]
    for one in (recorded, started, requested, ended, retried):
        assert (one["type"], one["resource_uri"], one["object"]) == ("action", second["resource_uri"], "/web/")
        assert (one["namespace"], one["parents"]) == (tenant.namespace, ["/web/", "/shop/"])
        moment = datetime.fromisoformat(one["datetime"]).astimezone(UTC)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", one["datetime"])
        assert moment.strftime("%a, %d %b %Y %H:%M:%S +0000") == one["date"]

    assert changed(recorded) == {name: (None, value) for name, value in second.items() if value is not None}
    assert (recorded["event"], recorded["state"], recorded["after"]) == ("action.recorded/1", "Pending", None)
    assert recorded["who"]["user"] == "rita"
    assert changed(started) == {"state": ("Pending", "In progress"), "start_date": (None, now["start_date"])}
    assert started["after"] == first["resource_uri"]
    assert changed(requested) == {"state": ("In progress", "Canceling"), "can_be_canceled": (True, False)}
    assert requested["who"] == {"user": "otto", "ip": "127.0.0.1", "user_agent": requested["who"]["user_agent"]}
    assert requested["who"]["user_agent"].startswith("python-httpx")
    assert changed(ended) == {
        "state": ("Canceling", "Canceled"),
        "end_date": (None, now["end_date"]),
        "duration": (None, now["duration"]),
        "can_be_retried": (False, True),
    }
    assert (ended["lines"], ended["reason"], ended["retry"]) == (2, None, None)
    assert (changed(retried), retried["state"], retried["retry"]) == ({}, "Canceled", third["resource_uri"])
    assert history(tenant.auditor, first)[1]["reason"] == "no disk"


def test_what_changed_adds_up_to_the_action(tenant: Tenant) -> None:
    """The changes of a history, one put on the other, are the action as it is."""
    action = tenant.recorder.record(state="In progress", object="/a/", body="x" * 4096)
    tenant.operator.act(action, "cancel")
    tenant.recorder.act(action, "finish", {"state": "Success"})
    told: Json = dict.fromkeys(action)
    for event in history(tenant.auditor, action):
        for name, (before, after) in changed(event).items():
            assert told[name] == before
            told[name] = after
    assert told == tenant.auditor.fetch(action)


def test_a_long_body_is_left_out(tenant: Tenant) -> None:
    """Over 4 KiB, as in lists: the action has it."""
    action = tenant.recorder.record(state="In progress", body="é" * 2049)
    tenant.operator.act(action, "cancel")
    assert not [one for one in history(tenant.auditor, action) if "body" in one["changes"]]
    assert tenant.auditor.fetch(action)["body"] == "é" * 2049


def test_a_history_reads_no_view(tenant: Tenant) -> None:
    """Its position is the log's head, at or behind what was recorded before."""
    answer = tenant.recorder.post("/action/", {"action": "a", "method": "GET", "path": "/", "state": "Success"})
    there = tenant.auditor.get(f"/action/{document(answer)['uuid']}/history/")
    assert int(there.headers["deedbook-position"]) >= int(answer.headers["deedbook-position"])


def test_a_history_takes_no_parameters(tenant: Tenant) -> None:
    """It is whole: 400 that names what was asked."""
    action = tenant.recorder.record()
    answer = tenant.auditor.get(f"/action/{action['uuid']}/history/?limit=1")
    assert (answer.status_code, "limit" in answer.json()["error"]) == (400, True)


def test_relationships_are_events_too(tenant: Tenant) -> None:
    """What was put below what and by whom; the parents are all above the child, with the one that ends here."""
    begun = start(tenant.auditor)
    tenant.recorder.relate("/top/", "/middle/")
    tenant.recorder.relate("/middle/", "/low/")
    tenant.recorder.unrelate("/top/", "/middle/")
    tenant.recorder.unrelate("/middle/", "/low/")
    found = pages(tenant.auditor, f"after={begun}&type=relationship")
    assert [(one["event"], one["object"], one["parents"]) for one in found] == [
        ("relationship.stated/1", "/middle/", ["/middle/", "/top/"]),
        ("relationship.stated/1", "/low/", ["/low/", "/middle/", "/top/"]),
        ("relationship.ended/1", "/middle/", ["/middle/", "/top/"]),
        ("relationship.ended/1", "/low/", ["/low/", "/middle/"]),
    ]
    assert changed(found[0]) == {"parent": (None, "/top/"), "child": (None, "/middle/")}
    assert changed(found[3]) == {"parent": ("/middle/", None), "child": ("/low/", None)}
    assert {(one["resource_uri"], one["state"], one["who"]["user"]) for one in found} == {(None, None, "rita")}


def test_pages_hold_what_histories_hold(tenant: Tenant) -> None:
    """An event is told in the same words by the page, the history and NDJSON."""
    begun = start(tenant.auditor)
    actions = tenant.recorder.batch({"state": "In progress"}, {"state": "Success"})
    tenant.recorder.act(actions[0], "finish", {"state": "Success"})
    told = sorted(
        (one for action in actions for one in history(tenant.auditor, action)), key=lambda one: one["position"]
    )
    assert pages(tenant.auditor, f"after={begun}&limit=2") == told
    ndjson = tenant.auditor.get(f"/event/?after={begun}", headers={"accept": "application/x-ndjson"})
    assert ndjson.headers["content-type"] == "application/x-ndjson"
    assert [json.loads(line) for line in ndjson.text.splitlines()] == told


def test_next_goes_on_where_the_page_ended(tenant: Tenant) -> None:
    """`next` keeps filters and namespace, stands in Link as well, and is null where the page reached the head."""
    begun = start(tenant.auditor)
    tenant.recorder.batch(*({"object": "/a b/"} for _ in range(3)))
    path = f"/{tenant.namespace}/event/?object=/a%20b/&type=action&limit=2&after={begun}"
    answer = tenant.auditor.get(path)
    meta = answer.json()["meta"]
    last = answer.json()["objects"][-1]["position"]
    root = f"/api/audit/v1/{tenant.namespace}"
    assert meta["next"] == f"{root}/event/?object=%2Fa+b%2F&type=action&after={last}&limit=2"
    assert answer.headers["link"] == f'<{meta["next"]}>; rel="next"'
    assert (meta["limit"], meta["after"]) == (2, begun)
    assert meta["head"] == int(answer.headers["deedbook-position"])
    rest = tenant.auditor.get(meta["next"].removeprefix("/api/audit/v1"))
    assert (len(rest.json()["objects"]), rest.json()["meta"]["next"]) == (1, None)
    assert "link" not in rest.headers


def test_a_page_without_an_event_goes_on(tenant: Tenant, other: Tenant) -> None:
    """Where a page looked at thousands of others' events it is empty, and `next` is further on: at last it is found."""
    begun = start(tenant.auditor)
    for _ in range(12):
        other.recorder.batch(*({} for _ in range(500)))
    mine = tenant.recorder.record()
    first = page(tenant.auditor, f"after={begun}")
    assert first["objects"] == []
    assert f"after={begun + 5000}&" in first["meta"]["next"]
    assert [one["resource_uri"] for one in pages(tenant.auditor, f"after={begun}")] == [mine["resource_uri"]]


def test_a_page_goes_over_bookkeeping(tenant: Tenant) -> None:
    """Where a lane's event is the last of the log, a page that has all that is told has reached the head."""
    action = tenant.recorder.record(state="In progress", object="/web/")
    begun = start(tenant.auditor)
    tenant.recorder.act(action, "finish", {"state": "Success"})
    told = page(tenant.auditor, f"after={begun}")
    (ended,) = told["objects"]
    assert (told["meta"]["next"], told["meta"]["head"]) == (None, ended["position"] + 1)


def test_a_page_has_a_bound_in_bytes(tenant: Tenant) -> None:
    """Events that are long come in pages of about 4 MiB, whatever the limit, and none is left out."""
    begun = start(tenant.auditor)
    tenant.recorder.record(object="/below/", parents=[f"/{number}/".ljust(2000, "x") for number in range(50)])
    tenant.recorder.batch(*({"object": "/below/"} for _ in range(60)))
    first = page(tenant.auditor, f"after={begun}&type=action&limit=500")
    assert 15 <= len(first["objects"]) <= 30
    assert len(pages(tenant.auditor, f"after={begun}&type=action&limit=500")) == 61


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=-1", "limit=all", "limit=", "after=-1", "after=x", "after=99999999", f"after={'9' * 19}",
        "offset=1", "follow=true", "user=anna&token=x", "type=actions", "type=action,relation",
    ],
)  # fmt: skip
def test_what_makes_no_sense(tenant: Tenant, query: str) -> None:
    """400, and the sentence names the parameter."""
    answer = tenant.auditor.get(f"/event/?{query}")
    assert answer.status_code == 400
    assert query.partition("=")[0] in answer.json()["error"]


def test_a_large_limit_is_500(tenant: Tenant) -> None:
    """As in lists."""
    assert page(tenant.auditor, "limit=100000")["meta"]["limit"] == 500
    assert page(tenant.auditor)["meta"]["limit"] == 25


def test_only_what_is_the_callers(tenant: Tenant, other: Tenant) -> None:
    """Others' events are in no page, nor those of keys; an admin without a namespace has all."""
    begun = start(tenant.auditor)
    other.recorder.record(object="/a/", parents=["/b/"])
    mine = tenant.recorder.record()
    assert [one["resource_uri"] for one in pages(tenant.auditor, f"after={begun}")] == [mine["resource_uri"]]
    everything = pages(tenant.admin, f"after={begun}")
    assert {one["namespace"] for one in everything} == {tenant.namespace, other.namespace, "deedbook"}
    assert tenant.auditor.get(f"/{other.namespace}/event/").status_code == 404
