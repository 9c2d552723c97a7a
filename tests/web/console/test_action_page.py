"""The page of an action, without scripts: what it tells, to whom, and what can be done there."""

import re
from collections.abc import Iterator
from html import unescape

import httpx
import pytest

from tests.support.server import Server
from tests.web.api.callers import Caller, Json, Tenant
from tests.web.console.visitors import Visitor

_ONCE = re.compile(r'name="once" value="([^"]+)"')


@pytest.fixture
def tenant(server: Server) -> Iterator[Tenant]:
    """A namespace that only this test uses."""
    with httpx.Client(base_url=server.api, timeout=60) as http:
        yield Tenant(http, server.key)


def visitor(server: Server, caller: Caller) -> Visitor:
    """Sign in with somebody's key."""
    return Visitor(server, caller.user, caller.key)


def page_of(reader: Visitor, action: Json, query: str = "") -> str:
    """Return the text of a page, without its marks and with single spaces."""
    answer = reader.get(f"/action/{action['uuid']}{query}")
    assert answer.status_code == 200, answer.text
    main = re.sub(r"<template.*?</template>", "", answer.text.partition("<main")[2], flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", main)).split())


def test_every_fact_is_told(server: Server, tenant: Tenant) -> None:
    """What was recorded of the call: who, from where, with what, on which object, below which."""
    action = tenant.recorder.record(
        action="Stack <Create>", object="/stack/shop/", parents=["/team/web/"], user="lena", user_agent="agent/1",
        ip="198.51.100.7", location="Oslo, Norway", method="PUT", path="/stack/", is_user_action=False,
        start_date="2026-07-14T08:00:00Z", end_date="2026-07-14T08:00:01.5Z", body='{"n": 1.10}',
    )  # fmt: skip
    told = page_of(visitor(server, tenant.auditor), action)
    for fact in (
        "Stack <Create>", "Success", "/stack/shop/", "/team/web/", "lena", "triggered by the system", "agent/1",
        "198.51.100.7", "Oslo, Norway", "PUT /stack/", "2026-07-14 08:00:00 UTC", "2026-07-14 08:00:01 UTC",
        "after 1.5 s", '"n": 1.10', action["uuid"],
    ):  # fmt: skip
        assert fact in told


def test_every_event_is_a_step(server: Server, tenant: Tenant) -> None:
    """In order: who did it, from where, with what, at which position, and what it changed."""
    action = tenant.recorder.record(state="In progress", object="/service/1/")
    tenant.operator.act(action, "cancel")
    tenant.recorder.act(action, "finish", {"state": "Canceled", "reason": "asked to"})
    retry = tenant.operator.act(action, "retry")
    told = page_of(visitor(server, tenant.auditor), action).partition("History")[2]
    events = tenant.auditor.get(f"/action/{action['uuid']}/history/").json()["objects"]
    places = [told.index(f"#{event['position']:,}") for event in events]
    assert places == sorted(places)
    assert re.search(r"Recorded as In progress .* by rita from 127\.0\.0\.1 with python-httpx", told)
    assert re.search(r"Cancel requested .* by otto from 127\.0\.0\.1 .* State In progress → to Canceling", told)
    assert re.search(r"Canceled .* by rita .* Reason: asked to with 0 lines of output", told)
    assert re.search(rf"Retried as {retry['uuid'][:8]} .* by otto", told)


def test_what_made_room_is_told(server: Server, tenant: Tenant) -> None:
    """A waiting action's start names the action whose end let it begin."""
    first = tenant.recorder.record(state="In progress", object="/service/2/")
    second = tenant.recorder.record(state="Pending", object="/service/2/")
    tenant.recorder.act(first, "finish", {"state": "Success"})
    told = page_of(visitor(server, tenant.auditor), second)
    assert f"Started when {first['uuid'][:8]} ended and made room" in told


def test_attempts_are_told_on_the_page_of_each(server: Server, tenant: Tenant) -> None:
    """Those that an action retries and those that retry it, however far, in order; one alone is no list."""
    first = tenant.recorder.record(state="Failed")
    reader = visitor(server, tenant.auditor)
    assert "Attempts" not in page_of(reader, first)
    second = tenant.operator.act(first, "retry")
    tenant.recorder.act(second, "finish", {"state": "Failed"})
    third = tenant.operator.act(second, "retry")
    for one in (first, second, third):
        attempts = page_of(reader, one).partition("Attempts")[2].partition("Output")[0]
        rows = re.findall(r"\d (Failed|In progress) (\w{8})( this one)? (?:–|\w{8}) ", attempts)
        assert rows == [
            (state, attempt["uuid"][:8], " this one" if attempt is one else "")
            for attempt, state in ((first, "Failed"), (second, "Failed"), (third, "In progress"))
        ]


def test_what_can_be_done_is_offered_to_who_may(server: Server, tenant: Tenant) -> None:
    """An operator's page offers what the state allows, and the recorder did not forbid; an auditor's offers nothing."""
    running = tenant.recorder.record(state="In progress")
    ended = tenant.recorder.record(state="Failed")
    forbidden = tenant.recorder.record(state="Failed", can_be_retried=False)
    operator, auditor = visitor(server, tenant.operator), visitor(server, tenant.auditor)

    def offered(reader: Visitor, action: Json) -> list[str]:
        text = reader.get(f"/action/{action['uuid']}").text
        acts = re.findall(r'id="act-(\w+)"', text)
        assert re.findall(r'<template id="ask-(\w+)"', text) == acts
        return acts

    assert [offered(operator, one) for one in (running, ended, forbidden)] == [["cancel"], ["retry"], []]
    assert [offered(auditor, one) for one in (running, ended, forbidden)] == [[], [], []]
    assert auditor.get(f"/action/{running['uuid']}/cancel").status_code == 403
    assert auditor.send(f"/action/{running['uuid']}/cancel").status_code == 403
    assert tenant.auditor.fetch(running)["state"] == "In progress"


def test_canceling_asks_first_and_leads_back(server: Server, tenant: Tenant) -> None:
    """A page names operation and object; its form cancels, in the reader's name, and goes back to the action."""
    action = tenant.recorder.record(state="In progress", object="/service/3/", action="Big Deploy")
    operator = visitor(server, tenant.operator)
    asking = operator.get(f"/action/{action['uuid']}/cancel")
    assert "Big Deploy" in asking.text
    assert "/service/3/" in asking.text
    assert tenant.auditor.fetch(action)["state"] == "In progress"
    answer = operator.send(f"/action/{action['uuid']}/cancel")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/action/{action['uuid']}")
    assert tenant.auditor.fetch(action)["state"] == "Canceling"
    *_, event = tenant.auditor.get(f"/action/{action['uuid']}/history/").json()["objects"]
    assert event["who"]["user"] == "otto"
    refused = operator.send(f"/action/{action['uuid']}/cancel")
    assert refused.status_code == 409
    assert "can&#39;t be canceled" in refused.text
    assert operator.get(f"/action/{action['uuid']}/cancel").status_code == 409


def test_a_form_of_retrying_that_comes_twice_retries_once(server: Server, tenant: Tenant) -> None:
    """Both answers lead to the one new action; a new form retries anew."""
    action = tenant.recorder.record(state="Failed")
    operator = visitor(server, tenant.operator)
    targets = []
    for _ in range(2):
        found = _ONCE.search(operator.get(f"/action/{action['uuid']}/retry").text)
        assert found is not None
        answers = [operator.send(f"/action/{action['uuid']}/retry", once=found[1]) for _ in range(2)]
        assert {answer.status_code for answer in answers} == {303}
        targets.append({answer.headers["location"] for answer in answers})
    assert [len(target) for target in targets] == [1, 1]
    assert targets[0] != targets[1]
    retries = tenant.auditor.listed({"user": "otto"})
    assert {f"/action/{one['uuid']}" for one in retries} == targets[0] | targets[1]
    assert {one["retry_of"] for one in retries} == {action["resource_uri"]}


@pytest.mark.parametrize("operation", ["cancel", "retry"])
def test_a_form_of_another_session_does_nothing(server: Server, tenant: Tenant, operation: str) -> None:
    """A token that is not the session's is a 403."""
    action = tenant.recorder.record(state="In progress" if operation == "cancel" else "Failed")
    operator = visitor(server, tenant.operator)
    answer = operator.ask("POST", f"/action/{action['uuid']}/{operation}", data={"csrf": "wrong"})
    assert answer.status_code == 403
    assert len(tenant.auditor.get(f"/action/{action['uuid']}/history/").json()["objects"]) == 1


def test_the_past_is_shown_as_it_was(server: Server, tenant: Tenant) -> None:
    """As of a position: the facts and events of then, said so, and nothing to do."""
    action = tenant.recorder.record(state="In progress")
    position = int(tenant.auditor.get("/action/").headers["Deedbook-Position"])
    tenant.recorder.act(action, "finish", {"state": "Failed"})
    operator = visitor(server, tenant.operator)
    then = page_of(operator, action, f"?as_of={position}")
    assert f"as it stood at position {position:,} of the log" in then
    assert "Failed" not in then
    assert "act-" not in operator.get(f"/action/{action['uuid']}?as_of={position}").text
    assert "Failed" in page_of(operator, action)
    assert operator.get(f"/action/{action['uuid']}?as_of=99999999").status_code == 400
    assert operator.get(f"/action/{action['uuid']}?colour=red").status_code == 400


def test_who_may_not_see_it_finds_nothing(server: Server, tenant: Tenant) -> None:
    """An action of another namespace, one that is not there and what is no id are all a 404, with a page."""
    action = Tenant(tenant.http, server.key).recorder.record(state="In progress")
    operator = visitor(server, tenant.operator)
    for id_ in (action["uuid"], "6246c5aa-0000-4000-8000-000000000000", "nothing"):
        answers = [
            operator.get(f"/action/{id_}"),
            operator.get(f"/action/{id_}/cancel"),
            operator.send(f"/action/{id_}/cancel"),
            operator.send(f"/action/{id_}/retry"),
        ]
        assert {answer.status_code for answer in answers} == {404}
        assert {answer.headers["content-type"] for answer in answers} == {"text/html; charset=utf-8"}


def test_the_end_of_the_output_stands_in_the_page(server: Server, tenant: Tenant) -> None:
    """For who has no scripts: the last lines as text, with a link to all; of long ones fewer."""
    action = tenant.recorder.record(state="In progress")
    reader = visitor(server, tenant.auditor)
    assert "No output yet" in page_of(reader, action)
    tenant.recorder.act(action, "logs", {"lines": [f"line {number}" for number in range(1, 251)] + ["\x1b[31mred <b>"]})
    told = page_of(reader, action)
    assert "The last 200 of 251 lines; all of them" in told
    assert "52 line 52" in told
    assert "line 51 " not in told
    assert "251 red <b>" in told
    tenant.recorder.act(action, "logs", {"lines": ["x" * 60_000] * 9})
    assert len(reader.get(f"/action/{action['uuid']}").content) < 300_000
