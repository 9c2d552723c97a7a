"""What the published clients do that others don't, in the bytes that they send."""

import pytest

from tests.support.server import Server
from tests.web.api.callers import Caller, Tenant
from tests.web.api.raw import answer_to, request
from tests.web.api.scene import REQUESTS, Request, Scene

OUTPUT = "GET /action/{running}/logs/"


@pytest.mark.parametrize(("operation", "state"), [("cancel", "In progress"), ("retry", "Failed")])
@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (["Content-Type: application/json", "Content-Length: 0"], b""),
        (["Content-Type: application/json", "Content-Length: 2"], b"{}"),
        (["Content-Length: 0"], b""),
        ([], b""),
        (["Content-Type: application/json", "Transfer-Encoding: chunked"], b"0\r\n\r\n"),
    ],
    ids=["python-dockercloud", "go-dockercloud", "a bare POST", "without a length", "an empty chunked body"],
)
def test_cancel_and_retry_take_any_body(
    server: Server, recorder: Caller, operator: Caller, operation: str, state: str, headers: list[str], body: bytes
) -> None:
    """Python sends a content type and no body, Go `{}`."""
    action = recorder.record(state=state)
    asked = request(operator, f"POST /action/{action['uuid']}/{operation}/", *headers, body=body)
    assert answer_to(server, asked).status == 202


@pytest.mark.parametrize("path", ["/action/", "/action/{uuid}/", "/relationship/?object=/o"])
def test_a_get_may_have_a_body(server: Server, recorder: Caller, path: str) -> None:
    """Go sends `{}` on every request."""
    line = f"GET {path.format(uuid=recorder.record()['uuid'])}"
    bare = answer_to(server, request(recorder, line))
    sent = request(recorder, line, "Content-Type: application/json", "Content-Length: 2", body=b"{}")
    assert answer_to(server, sent)[2] == bare.body
    assert bare.status == 200


def test_a_connection_goes_on_after_a_get_with_a_body(server: Server, recorder: Caller) -> None:
    """Its body is not taken for the next request."""
    first = request(recorder, "GET /action/", "Content-Length: 2", body=b"{}").replace(b"Connection: close\r\n", b"")
    answer = answer_to(server, first + request(recorder, "GET /action/?limit=7"))
    assert b'"limit":7' in answer.body
    assert b"400" not in answer.body


def test_go_asks_for_doubled_slashes(server: Server, recorder: Caller) -> None:
    """Where its host ends with one."""
    assert answer_to(server, request(recorder, "GET /action/?limit=1", root="//api/audit/v1")).status == 200


def test_go_follows_next_from_its_sixth_character_on(recorder: Caller) -> None:
    """It takes `/api/` off, and puts it before again."""
    recorder.batch({}, {}, {})
    page = recorder.page("limit=2")
    there = page["meta"]["next"][5:]
    assert there.startswith("audit/v1/action/?")
    assert len(recorder.listed(there.partition("?")[2])) == 1


def test_the_command_line_finds_short_ids(recorder: Caller) -> None:
    """It looks up the beginning of an id, and then gets the action."""
    made = recorder.record()
    (found,) = recorder.listed(f"uuid__startswith={made['uuid'][:8]}")
    assert recorder.get(found["resource_uri"].removeprefix("/api/audit/v1")).json() == made


@pytest.mark.parametrize("request_", [one for one in REQUESTS if one.status < 300 and str(one) != OUTPUT], ids=str)
def test_success_is_a_json_object(tenant: Tenant, request_: Request) -> None:
    """A 204, or a list, breaks the SDK; output alone is no JSON, which the SDK asks for by a WebSocket."""
    answer = Scene(tenant).ask(tenant.admin, request_)
    assert 200 <= answer.status_code < 300
    assert isinstance(answer.json(), dict)


@pytest.mark.parametrize("name", ["limit", "offset", "total_count"])
def test_the_numbers_of_meta_are_integers(server: Server, recorder: Caller, name: str) -> None:
    """Go can't read `25.0`."""
    body = answer_to(server, request(recorder, "GET /action/?limit=2&offset=1")).body
    number = body.partition(f'"{name}":'.encode())[2].partition(b",")[0].rstrip(b"}")
    assert number.isdigit()
