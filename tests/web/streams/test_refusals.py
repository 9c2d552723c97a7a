"""Streams that are not opened: the status that HTTP would have, the API's error, and a second late."""

import socket
from collections.abc import Mapping
from typing import NamedTuple
from uuid import uuid4

import httpx
import pytest

from tests.support.server import Server
from tests.support.websocket import Refusal, bearer, refusals
from tests.web.api.callers import Tenant
from tests.web.streams.listening import head, running


class Wrong(NamedTuple):
    """A handshake that must be refused; `{…}` is filled in. `alike`: so is the stream without a WebSocket."""

    path: str
    status: int
    because: str
    authorization: str | None = "Bearer {key}"
    alike: bool = True


WRONG = {
    "no credentials": Wrong("events/", 401, "Send an API key", None),
    "no credentials for output": Wrong("action/{uuid}/logs/", 401, "Send an API key", None),
    "a wrong key": Wrong("events/", 401, "not known", "Bearer wrong"),
    "a wrong key for output": Wrong("action/{uuid}/logs/", 401, "not known", "ApiKey anna:wrong"),
    "another user's key": Wrong("events/", 401, "not known", "ApiKey ben:{key}"),
    "another user's token": Wrong("events/?user=ben&token={key}", 401, "not known", None),
    "a header beside a good token": Wrong("events/?user=anna&token={key}", 401, "not known", "Bearer wrong"),
    "credentials of no form": Wrong("events/", 401, "must be Basic, ApiKey or Bearer", "Digest {key}"),
    "a path without a stream": Wrong("container/", 404, "There is no stream"),
    "an action's own path": Wrong("action/{uuid}/", 404, "There is no stream", alike=False),
    "another namespace": Wrong("elsewhere/events/", 404, "There is no namespace elsewhere"),
    "an unknown action": Wrong("action/{unknown}/logs/", 404, "There is no action {unknown}"),
    "what is no id": Wrong("action/12/logs/", 404, "There is no action 12"),
    "a negative tail": Wrong("action/{uuid}/logs/?tail=-1", 400, "tail"),
    "a tail that is no number": Wrong("action/{uuid}/logs/?tail=all", 400, "tail"),
    "a follow that is no answer": Wrong("action/{uuid}/logs/?follow=perhaps", 400, "follow"),
    "an unknown parameter": Wrong("action/{uuid}/logs/?since=1", 400, "since"),
    "lines beyond the last": Wrong("action/{uuid}/logs/?after=4", 400, "after"),
    "an unknown filter": Wrong("events/?state=Failed", 400, "state"),
    "a type that no event has": Wrong("events/?type=actions", 400, "type"),
    "such a type among others": Wrong("events/?type=action,Container", 400, "'Container'"),
    "a position beyond the head": Wrong("events/?after={beyond}", 400, "after"),
    "a negative position": Wrong("events/?after=-1", 400, "after"),
    "a position that is no number": Wrong("events/?after=now", 400, "after"),
}


@pytest.fixture(scope="module")
def known(server: Server, http: httpx.Client) -> Mapping[str, str]:
    """What is filled in: an auditor's key, and an action with three lines."""
    tenant = Tenant(http, server.key)
    uuid = running(tenant.recorder, "one", "two", "three")["uuid"]
    beyond = str(head(tenant.auditor) + 100_000)
    return {"key": tenant.auditor.key, "uuid": uuid, "unknown": str(uuid4()), "beyond": beyond}


@pytest.fixture(scope="module")
def answers(server: Server, known: Mapping[str, str]) -> Mapping[str, Refusal]:
    """How each is answered."""
    handshakes = [(f"{server.stream}/{wrong.path}".format_map(known), sent(wrong, known)) for wrong in WRONG.values()]
    return dict(zip(WRONG, refusals(*handshakes), strict=True))


def sent(wrong: Wrong, known: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of a handshake."""
    return {"Authorization": wrong.authorization.format_map(known)} if wrong.authorization else {}


@pytest.mark.parametrize("name", WRONG)
def test_a_handshake_is_refused(name: str, answers: Mapping[str, Refusal], known: Mapping[str, str]) -> None:
    """With its status, and the contract's error, which says what is wrong."""
    assert answers[name].status == WRONG[name].status
    assert WRONG[name].because.format_map(known) in answers[name].error
    assert answers[name].error.isascii()


@pytest.mark.parametrize("name", WRONG)
def test_a_refusal_comes_late(name: str, answers: Mapping[str, Refusal]) -> None:
    """A second late, since clients that were refused come back at once."""
    assert answers[name].seconds >= 0.9


@pytest.mark.parametrize("name", [name for name, wrong in WRONG.items() if wrong.alike])
def test_http_refuses_it_alike(
    name: str, answers: Mapping[str, Refusal], known: Mapping[str, str], http: httpx.Client
) -> None:
    """The same without an upgrade, server-sent events or a replay of output, has the same status."""
    headers = {**sent(WRONG[name], known), "accept": "text/event-stream"}
    asked = http.get(WRONG[name].path.format_map(known), headers=headers)
    assert asked.status_code == answers[name].status
    assert asked.status_code != 400 or WRONG[name].because in asked.json()["error"]


@pytest.mark.parametrize(
    "accept", ["*/*", "application/json", "text/html, */*;q=0.8", "text/event-stream;q=0", "a;q=b"]
)
def test_without_an_upgrade(accept: str, known: Mapping[str, str], http: httpx.Client) -> None:
    """A GET of the events that asks for no server-sent ones is a 426 that names the protocol."""
    answer = http.get("/events/", headers={**bearer(known["key"]), "accept": accept})
    assert answer.status_code == 426
    assert answer.headers["upgrade"] == "websocket"
    assert answer.json() == {
        "error": "This is a stream: open it as a WebSocket, or ask with Accept: text/event-stream."
    }


@pytest.mark.parametrize("identifier", ["", "now", "-1", "1.0", "9" * 19, "\u0661", "{beyond}"])
def test_a_last_event_id_that_makes_no_sense(identifier: str, known: Mapping[str, str], http: httpx.Client) -> None:
    """What is no position, or one beyond the head, is a 400 that names the header, whatever `after` says."""
    headers = {**bearer(known["key"]), "accept": "text/event-stream", "last-event-id": identifier.format_map(known)}
    raw = {name.encode(): value.encode() for name, value in headers.items()}
    answer = http.get("/events/?after=1", headers=raw)
    assert (answer.status_code, "Last-Event-ID" in answer.json()["error"]) == (400, True)


@pytest.mark.parametrize("flag", ["true", "false"])
def test_only_a_websocket_follows_output(flag: str, known: Mapping[str, str], http: httpx.Client) -> None:
    """`follow` is a 400 elsewhere, which says to open one."""
    answer = http.get(f"/action/{known['uuid']}/logs/?follow={flag}", headers=bearer(known["key"]))
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("follow is for WebSockets; open one")


def test_a_token_in_the_query_is_for_websockets_only(known: Mapping[str, str], http: httpx.Client) -> None:
    """Over HTTP it is no credential."""
    assert http.get("/events/", params={"user": "anna", "token": known["key"]}).status_code == 401


def test_an_upgrade_without_a_key_of_its_own(server: Server, known: Mapping[str, str]) -> None:
    """A handshake that is none by RFC 6455 is answered with the API's error too."""
    request = (
        "GET /api/audit/v1/events/ HTTP/1.1\r\nHost: deedbook\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Authorization: Bearer {known['key']}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as raw:
        raw.sendall(request.encode())
        answer = b"".join(iter(lambda: raw.recv(65536), b"")).lower()
    assert answer.startswith(b"http/1.1 400 ")
    assert b"\r\ncontent-type: application/json\r\n" in answer
