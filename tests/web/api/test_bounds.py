"""Bounds on what a request may hold, and on its kind."""

import json

import pytest

from tests.support.server import Server
from tests.web.api.callers import CALL, Caller, Json, Tenant
from tests.web.api.raw import answer_to, request
from tests.web.api.scene import Request, Scene

ACTION = 256 * 1024
REQUEST = 8 * 1024 * 1024


def sized(size: int) -> bytes:
    """Return the JSON of an action of so many bytes."""
    empty = len(json.dumps({**CALL, "body": ""}))
    return json.dumps({**CALL, "body": "x" * (size - empty)}).encode()


def post(caller: Caller, path: str, body: bytes, kind: str = "application/json") -> int:
    """POST bytes, and return the status."""
    return caller.post(path, content=body, headers={"content-type": kind}).status_code


@pytest.fixture
def scene(tenant: Tenant) -> Scene:
    """What requests need."""
    return Scene(tenant)


def test_an_action_may_have_256_kib(recorder: Caller) -> None:
    """Exactly; one byte more is a 413 and is not recorded."""
    assert post(recorder, "/action/", sized(ACTION)) == 201
    assert post(recorder, "/action/", sized(ACTION + 1)) == 413
    assert recorder.page()["meta"]["total_count"] == 1


def test_so_may_a_line_of_a_batch(recorder: Caller) -> None:
    """A longer one is its own 413, and harms no other."""
    answer = recorder.post_lines("/action/", sized(ACTION), sized(ACTION + 1), sized(500))
    assert [json.loads(line)["status"] for line in answer.text.splitlines()] == [201, 413, 201]


def test_a_request_may_have_8_mib(recorder: Caller) -> None:
    """Exactly, and of any kind: a batch, and output."""
    running = recorder.record(state="In progress")
    padding = b"\n" * (REQUEST - 500)
    for path in ("/action/", f"/action/{running['uuid']}/logs/"):
        line = sized(500) if path == "/action/" else b'"x"'.ljust(500)
        kind = "application/x-ndjson"
        assert post(recorder, path, line + padding, kind) == 200
        assert post(recorder, path, line + padding + b"\n", kind) == 413
    assert recorder.page()["meta"]["total_count"] == 2
    assert recorder.act(running, "logs", {"lines": ["x"]})["first"] == 2


def test_the_bound_holds_for_chunked_bodies_too(server: Server, recorder: Caller) -> None:
    """Which don't say their length."""
    for size, status in ((ACTION, 201), (ACTION + 1, 413)):
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (size, sized(size))
        asked = request(recorder, "POST /action/", "Transfer-Encoding: chunked", body=body)
        assert answer_to(server, asked).status == status


def test_a_body_that_never_ends_is_not_waited_for(server: Server, recorder: Caller) -> None:
    """What is in chunks is refused when it is too large, not when it is complete."""
    endless = b"%x\r\n%b\r\n" % (ACTION + 1, b"x" * (ACTION + 1))
    asked = request(recorder, "POST /action/", "Transfer-Encoding: chunked", body=endless)
    assert answer_to(server, asked).status == 413


def test_what_says_that_it_is_too_large_is_not_waited_for(server: Server, recorder: Caller) -> None:
    """The 413 comes before the body, and ends the connection."""
    asked = request(recorder, "POST /action/", "Content-Length: 99999999999").replace(b"Connection: close\r\n", b"")
    answer = answer_to(server, asked)
    assert (answer.status, answer.header("connection")) == (413, "close")


@pytest.mark.parametrize("path", ["cancel", "retry", "finish"])
def test_what_needs_no_large_body_takes_none(recorder: Caller, operator: Caller, path: str) -> None:
    """413, and nothing happens."""
    action = recorder.record(state="Success" if path == "retry" else "In progress")
    assert post(operator, f"/action/{action['uuid']}/{path}/", b"x" * (ACTION + 1)) == 413
    assert recorder.listed() == [action]


BODIES = [
    Request("POST", "/action/", 201, CALL),
    Request("POST", "/action/{running}/finish/", 200, {"state": "Success"}),
    Request("POST", "/action/{running}/logs/", 200, {"lines": ["x"]}),
    Request("POST", "/relationship/", 201, {"parent": "/p", "child": "/c"}),
    Request("POST", "/key/", 201, {"user": "eve", "namespace": "elsewhere", "role": "auditor"}),
]


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "json",
        "*/*",
    ],
)
@pytest.mark.parametrize("request_", BODIES, ids=str)
def test_another_content_type_is_a_415(scene: Scene, admin: Caller, request_: Request, kind: str) -> None:
    """Neither JSON nor NDJSON."""
    body = json.dumps(request_.body).encode()
    assert post(admin, scene.path(request_), body, kind) == 415


@pytest.mark.parametrize("request_", BODIES, ids=str)
def test_no_content_type_is_fine(scene: Scene, admin: Caller, request_: Request) -> None:
    """It is taken for JSON."""
    answer = admin.post(scene.path(request_), content=json.dumps(request_.body).encode())
    assert answer.status_code == request_.status


@pytest.mark.parametrize(("name", "size"), [("action", 1024), ("path", 16384), ("object", 2048), ("user", 4096)])
def test_long_values_are_kept_whole(recorder: Caller, name: str, size: int) -> None:
    """Up to what the description says."""
    fields: Json = {name: "x" * size}
    made = recorder.record(**fields)
    assert recorder.fetch(made)[name] == fields[name]
    assert recorder.page({name: fields[name]} if name != "path" else "")["meta"]["total_count"] == 1


@pytest.mark.parametrize(("name", "size"), [("action", 1025), ("path", 16385), ("object", 2049), ("method", 33)])
def test_longer_ones_are_refused(recorder: Caller, name: str, size: int) -> None:
    """400, naming which."""
    answer = recorder.post("/action/", {**CALL, name: "x" * size})
    assert (answer.status_code, name in answer.json()["error"]) == (400, True)
