"""What stands on the wire, byte by byte; and what is no HTTP."""

import json
from pathlib import Path

import httpx
import pytest

from tests.support.server import Server, serving
from tests.web.api.callers import CALL, Caller
from tests.web.api.raw import answer_to, request, sent

BODY = json.dumps(CALL).encode()
LENGTH = f"Content-Length: {len(BODY)}"


@pytest.mark.parametrize("state", ["Success", "In progress"])
def test_the_action_s_uri_is_in_a_header_that_is_cased_so(server: Server, recorder: Caller, state: str) -> None:
    """One client greps for it, and cuts its line at a fixed column: it is exactly so, and stands once."""
    body = json.dumps({**CALL, "state": state}).encode()
    answer = answer_to(server, request(recorder, "POST /action/", f"Content-Length: {len(body)}", body=body))
    (line,) = (line for line in answer.headers if "action-uri" in line.lower())
    assert line == f"X-DockerCloud-Action-URI: /api/audit/v1/action/{answer.document['uuid']}/"


def test_it_is_so_for_what_is_canceled_and_retried(server: Server, recorder: Caller, operator: Caller) -> None:
    """Of a retry it is the new action's."""
    running, ended = recorder.record(state="In progress"), recorder.record()
    for action, operation in ((running, "cancel"), (ended, "retry")):
        line = f"POST /action/{action['uuid']}/{operation}/"
        answer = answer_to(server, request(operator, line, "Content-Length: 0"))
        assert f"X-DockerCloud-Action-URI: {answer.document['resource_uri']}" in answer.headers


def test_the_status_line_says_http_1_1(server: Server, recorder: Caller) -> None:
    """A shell client reads the status behind it."""
    created = answer_to(server, request(recorder, "POST /action/", LENGTH, body=BODY))
    assert created.status_line == "HTTP/1.1 201 Created"
    assert answer_to(server, request(recorder, "GET /action/")).status_line == "HTTP/1.1 200 OK"
    assert answer_to(server, request(recorder, "GET /nothing/")).status_line == "HTTP/1.1 404 Not Found"
    assert answer_to(server, b"nonsense\r\n\r\n").status_line == "HTTP/1.1 400 Bad Request"


def test_a_connection_is_kept(server: Server, recorder: Caller) -> None:
    """Several requests on one connection are answered in order."""
    keep = request(recorder, "POST /action/", LENGTH, body=BODY).replace(b"Connection: close\r\n", b"")
    answered = sent(server, keep * 3 + request(recorder, "GET /action/"))
    assert answered.count(b"HTTP/1.1 201 Created") == 3
    assert answered.count(b"HTTP/1.1 200 OK") == 1
    assert answered.index(b"200 OK") > answered.rindex(b"201 Created")


def test_a_chunked_body_is_taken(server: Server, recorder: Caller) -> None:
    """In however many chunks."""
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in BODY) + b"0\r\n\r\n"
    answer = answer_to(server, request(recorder, "POST /action/", "Transfer-Encoding: chunked", body=chunks))
    assert answer.status == 201


def test_a_client_that_expects_continue_gets_it(server: Server, recorder: Caller) -> None:
    """As curl does with larger bodies."""
    answered = sent(server, request(recorder, "POST /action/", LENGTH, "Expect: 100-continue", body=BODY))
    assert answered.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created")


def test_a_body_that_breaks_off_records_nothing(server: Server, recorder: Caller) -> None:
    """The client is gone in the middle of what it sent."""
    sent(server, request(recorder, "POST /action/", LENGTH, body=BODY[:-5]), goes=True)
    sent(server, request(recorder, "POST /action/", "Transfer-Encoding: chunked", body=b"5\r\n{"), goes=True)
    assert recorder.page()["meta"]["total_count"] == 0


@pytest.mark.parametrize(
    "data",
    [
        b"nonsense\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /api/audit/v1/action/ HTTP/9.9\r\n\r\n",
        b"GET /api/audit/v1/action/ HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET /api/audit/v1/action/ HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        b"GET /api/audit/v1/action/ HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST /api/audit/v1/action/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /api/audit/v1/action/ HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\0\0\0\0",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
    ids=range(11),
)
def test_what_is_no_http_is_a_400(server: Server, data: bytes) -> None:
    """In the API's form, in one sentence, and the connection ends."""
    answer = answer_to(server, data)
    assert (answer.status, answer.header("content-type")) == (400, "application/json")
    assert set(answer.document) == {"error"}
    assert answer.document["error"].isascii()
    assert len(answer.body) == int(answer.header("content-length"))


@pytest.mark.parametrize("target", ["/action/?a=%", "/action/?%zz=1", "/action/?a=%ff%fe", "/action/?=&&=;a"])
def test_a_query_that_can_t_be_decoded_is_a_400(server: Server, recorder: Caller, target: str) -> None:
    """Broken escapes are wrong parameters like others."""
    assert answer_to(server, request(recorder, f"GET {target}")).status == 400


@pytest.mark.parametrize("path", ["/action/%/", "/action/%zz/", "/action/%ff/", "/%ff/action/", "/%2e%2e/action/"])
def test_a_path_that_can_t_be_decoded_is_a_404(server: Server, recorder: Caller, path: str) -> None:
    """There is nothing there."""
    assert answer_to(server, request(recorder, f"GET {path}")).status == 404


def test_who_hangs_up_leaves_no_traceback(tmp_path: Path) -> None:
    """A client that is gone before its answers are, in the middle of a request or behind several, is no error."""
    with serving(tmp_path) as server:
        caller = Caller(httpx.Client(base_url=server.api), "me", server.key)
        whole = request(caller, "POST /action/", LENGTH, body=BODY).replace(b"Connection: close\r\n", b"")
        for data in (whole, whole[:-5], whole * 3, whole[:-5].replace(b"{", b"x"), b"GET / HTTP/1.1\r\n"):
            for _ in range(5):
                sent(server, data, goes=True)
        assert caller.get("/action/").status_code == 200
        caller.http.close()
        status, printed = server.stop()
    assert (status, "Traceback" in printed, "Exception" in printed) == (0, False, False), printed
