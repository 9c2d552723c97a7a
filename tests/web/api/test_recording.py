"""What recording an action takes, and what it makes of what is left out."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.web.api.callers import CALL, Caller, Json, Tenant, document


@pytest.mark.parametrize(("state", "status"), [("Success", 201), ("Failed", 201), ("In progress", 202)])
def test_the_status_says_whether_it_has_ended(recorder: Caller, state: str, status: int) -> None:
    """201 for what is recorded finished, 202 for what is to do, with the action and its URI in a header."""
    answer = recorder.post("/action/", {**CALL, "state": state})
    made = document(answer)
    assert (answer.status_code, made["state"]) == (status, state)
    assert answer.headers["x-dockercloud-action-uri"] == made["resource_uri"]


def test_what_has_to_wait_is_a_202(recorder: Caller) -> None:
    """Pending where something runs on its object."""
    recorder.record(state="In progress", object="/o")
    answer = recorder.post("/action/", {**CALL, "state": "Pending", "object": "/o"})
    assert (answer.status_code, document(answer)["state"]) == (202, "Pending")
    assert answer.headers["x-dockercloud-action-uri"] == document(answer)["resource_uri"]


@pytest.mark.parametrize("uri", ["/free", ""])
def test_what_need_not_wait_starts_at_once(recorder: Caller, uri: str) -> None:
    """On a free object, or without one, it is answered as In progress."""
    answer = recorder.post("/action/", {**CALL, "state": "Pending", "object": uri})
    assert (answer.status_code, document(answer)["state"]) == (202, "In progress")
    assert document(answer)["start_date"] is not None


def test_what_is_left_out_is_the_request_s(recorder: Caller) -> None:
    """User, agent and address are those of the request; the place is unknown, and the rest as plain as can be."""
    answer = recorder.post("/action/", CALL, headers={"user-agent": "curl/8.0"})
    made = document(answer)
    defaults: Json = {
        "user": recorder.user,
        "user_agent": "curl/8.0",
        "ip": "127.0.0.1",
        "location": "unknown",
        "object": "",
        "parents": [],
        "body": None,
        "is_user_action": True,
        "retry_of": None,
    }
    assert {key: made[key] for key in defaults} == defaults
    assert {key: made[key] for key in CALL} == CALL


@pytest.mark.parametrize("name", ["user", "user_agent", "ip", "location", "body"])
def test_null_is_kept_as_null(recorder: Caller, name: str) -> None:
    """Of the recorded call nothing is known then: what the request has is not taken for it."""
    assert recorder.record(**{name: None})[name] is None


@pytest.mark.parametrize("name", ["start_date", "end_date"])
def test_a_date_that_is_null_is_as_if_left_out(recorder: Caller, name: str) -> None:
    """What is recorded finished has both dates."""
    assert recorder.record(**{name: None})[name] is not None


def test_a_request_without_an_agent_has_none(recorder: Caller) -> None:
    """No User-Agent is null."""
    request = recorder.http.build_request("POST", "/action/", json=CALL)
    del request.headers["user-agent"]
    answer = recorder.http.send(request, auth=(recorder.user, recorder.key))
    assert document(answer)["user_agent"] is None


@pytest.mark.parametrize("ip", ["10.0.0.1", "255.255.255.255", "::1", "2001:db8::ff"])
def test_an_address_is_of_either_kind(recorder: Caller, ip: str) -> None:
    """IPv4 and IPv6."""
    assert recorder.record(ip=ip)["ip"] == ip


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE", "get", "M-SEARCH"])
def test_any_http_method_can_be_recorded(recorder: Caller, method: str) -> None:
    """A method is any token of HTTP, and keeps its case."""
    assert recorder.record(method=method)["method"] == method


def test_a_finished_one_without_dates_happened_now(recorder: Caller) -> None:
    """Its dates are those of the recording, and it took no time."""
    before = datetime.now(UTC).replace(microsecond=0)
    made = recorder.record()
    for key in ("start_date", "end_date", "created"):
        assert before <= datetime.strptime(made[key], "%a, %d %b %Y %H:%M:%S %z") <= datetime.now(UTC)
    assert made["duration"] == 0


def test_a_finished_one_with_one_date_has_the_other(recorder: Caller) -> None:
    """An end alone is its start too; a start alone ends now."""
    ended = recorder.record(end_date="2014-09-17T08:26:22Z")
    assert (ended["start_date"], ended["duration"]) == (ended["end_date"], 0)
    started = recorder.record(start_date="2014-09-17T08:26:22Z")
    assert started["duration"] > 300_000_000


def test_parents_are_directly_above(recorder: Caller) -> None:
    """They are stated as relationships, with what is above them already."""
    recorder.record(object="/c", parents=["/v", "/n"])
    told = document(recorder.get("/relationship/?object=/c"))
    assert [(one["parent"], one["child"]) for one in told["above"]] == [("/v", "/c"), ("/n", "/c")]


def ahead(minutes: float) -> str:
    """Return a date so far in the future."""
    return (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()


def test_a_date_may_lie_in_the_future_as_far_as_clocks_differ(recorder: Caller) -> None:
    """Up to five minutes."""
    for fields in ({"state": "In progress", "start_date": ahead(4)}, {"end_date": ahead(4)}):
        assert recorder.post("/action/", {**CALL, **fields}).is_success


@pytest.mark.parametrize("name", ["start_date", "end_date"])
@pytest.mark.parametrize("minutes", [5.5, 60, 10**6])
def test_a_date_further_in_the_future_is_refused(recorder: Caller, name: str, minutes: float) -> None:
    """400, naming it."""
    answer = recorder.post("/action/", {**CALL, name: ahead(minutes)})
    assert (answer.status_code, name in answer.json()["error"]) == (400, True)


_START = "2014-09-17T08:26:22Z"

_REFUSED: dict[str, tuple[str, Json]] = {
    "end before start": ("end_date", {"start_date": _START, "end_date": "2014-09-17T08:26:21.999999Z"}),
    "end before start, by its offset": (
        "end_date",
        {"start_date": _START, "end_date": "2014-09-17T09:26:22+02:00"},
    ),
    "Pending with a start": ("Pending", {"state": "Pending", "start_date": _START}),
    "Pending with an end": ("Pending", {"state": "Pending", "end_date": _START}),
    "In progress with an end": ("end_date", {"state": "In progress", "end_date": _START}),
    "a date that is none": ("start_date", {"start_date": "yesterday"}),
    "a day that no calendar has": ("end_date", {"end_date": "2014-02-30"}),
    "a date as a number": ("start_date", {"start_date": 1410942382}),
    "a state that nothing is recorded in": ("state", {"state": "Canceled"}),
    "another one": ("state", {"state": "Canceling"}),
    "an unknown state": ("state", {"state": "running"}),
    "a state that is null": ("state", {"state": None}),
    "no operation": ("action", {"action": ""}),
    "an operation that is null": ("action", {"action": None}),
    "an operation that is a number": ("action", {"action": 1}),
    "a method that is none": ("method", {"method": "GET IT"}),
    "a method with a line break": ("method", {"method": "GET\n"}),
    "no method": ("method", {"method": ""}),
    "no path": ("path", {"path": ""}),
    "an object that is null": ("object", {"object": None}),
    "an object that is an object": ("object", {"object": {}}),
    "parents that are no list": ("parents", {"object": "/o", "parents": "/p"}),
    "parents that are null": ("parents", {"object": "/o", "parents": None}),
    "a parent that is empty": ("parents", {"object": "/o", "parents": [""]}),
    "parents of nothing": ("object", {"parents": ["/p"]}),
    "a body that is an object": ("body", {"body": {"a": 1}}),
    "a user that is a number": ("user", {"user": 7}),
    "an agent that is a list": ("user_agent", {"user_agent": []}),
    "an address that is none": ("ip", {"ip": "localhost"}),
    "an address out of range": ("ip", {"ip": "256.0.0.1"}),
    "a location that is a number": ("location", {"location": 0}),
    "a flag that is text": ("is_user_action", {"is_user_action": "true"}),
    "a flag that is null": ("is_user_action", {"is_user_action": None}),
    "a permission that is a number": ("can_be_canceled", {"can_be_canceled": 0}),
    "a permission that is null": ("can_be_retried", {"can_be_retried": None}),
    "an unknown key": ("colour", {"colour": "red"}),
    "an id": ("uuid", {"uuid": "00000000-0000-4000-8000-000000000000"}),
    "a key of the resource": ("retry_of", {"retry_of": None}),
    "a key of batches": ("idempotency_key", {"idempotency_key": "k"}),
}


@pytest.mark.parametrize(("word", "fields"), _REFUSED.values(), ids=_REFUSED.keys())
def test_what_makes_no_sense_is_refused_and_nothing_recorded(recorder: Caller, word: str, fields: Json) -> None:
    """400, with a sentence that says what is wrong."""
    answer = recorder.post("/action/", {**CALL, **fields})
    assert (answer.status_code, word in answer.json()["error"]) == (400, True), answer.text
    assert recorder.page()["meta"]["total_count"] == 0


@pytest.mark.parametrize("name", CALL)
def test_what_is_required_must_be_there(recorder: Caller, name: str) -> None:
    """Operation, method, path and state."""
    answer = recorder.post("/action/", {key: value for key, value in CALL.items() if key != name})
    assert (answer.status_code, name in answer.json()["error"]) == (400, True)


@pytest.mark.parametrize(
    "body",
    [b"", b" ", b"{", b"[]", b"null", b'"text"', b"1", b"{}{}", b"\xff\xfe", b'{"action": NaN}', b"[" * 100_000, b"\0"],
    ids=range(12),
)
def test_what_is_no_json_object_is_refused(recorder: Caller, body: bytes) -> None:
    """400."""
    headers = {"content-type": "application/json"}
    assert recorder.post("/action/", content=body, headers=headers).status_code == 400


def test_a_parent_that_would_be_above_itself_refuses_the_whole(recorder: Caller) -> None:
    """A cycle is a 409, and neither the action nor any of its relationships is recorded."""
    recorder.relate("/s", "/v")
    answer = recorder.post("/action/", {**CALL, "object": "/s", "parents": ["/other", "/v"]})
    assert answer.status_code == 409
    assert recorder.page()["meta"]["total_count"] == 0
    assert document(recorder.get("/relationship/?object=/other"))["below"] == []


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "APPLICATION/JSON", None])
def test_json_is_known_by_its_content_type_or_by_none(recorder: Caller, kind: str | None) -> None:
    """Parameters and case don't matter; none at all is fine."""
    content = httpx.Request("POST", "http://x", json=CALL).content
    answer = recorder.post("/action/", content=content, headers={} if kind is None else {"content-type": kind})
    assert answer.status_code == 201


def test_what_was_recorded_is_in_the_list_at_once(tenant: Tenant) -> None:
    """Whoever recorded an action finds it; so does everybody else who may."""
    for n in range(30):
        made = tenant.recorder.record(action=f"n{n}")
        assert tenant.auditor.listed("order_by=-start_date&limit=1") == [made]
