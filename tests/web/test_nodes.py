"""Two servers on one database in PostgreSQL, over HTTP: whatever is recorded on one is read on the other, at once."""

import time
from collections.abc import Iterator
from contextlib import closing
from itertools import cycle
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from deedbook.domain.events import Caller
from deedbook.domain.keys import Role
from deedbook.domain.store.places import place_of
from deedbook.domain.store.postgres.listening import Listener
from deedbook.domain.testing import check
from deedbook.web.auth import Credentials, Keyring
from deedbook.web.checking import OverHttp
from deedbook.web.keys import issue_at_once
from deedbook.web.wire import KeyRequest
from tests.support.postgres import own_server, proxied, shared_server, until
from tests.support.server import Server, deedbook
from tests.support.turns import by_turns

BODY = {"action": "Scale", "method": "POST", "path": "/", "state": "Success", "object": "/a/"}


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[list[Server]]:
    """Two servers on one new database, each with views of its own."""
    url, nodes = shared_server().database(), list[Server]()
    try:
        for name in ("one", "two"):
            nodes.append(Server(url, key=nodes[0].key if nodes else None, DEEDBOOK_VIEWS=str(tmp_path / name)))
        yield nodes
    finally:
        for node in nodes:
            node.kill()


def test_what_one_answered_the_other_has(nodes: list[Server]) -> None:
    """A list on either node has every action that either answered for, whichever is asked next."""
    with nodes[0].client() as one, nodes[1].client() as other:
        for number, (giving, asking) in zip(range(40), cycle([(one, other), (other, one)])):  # one is endless
            made = giving.post("/action/", json=BODY).raise_for_status().json()
            found = asking.get("/action/", params={"object": "/a/"}).raise_for_status()
            assert found.json()["meta"]["total_count"] == number + 1
            assert asking.get(f"/action/{made['uuid']}/").json() == made
            assert "Deedbook-Lag" not in found.headers


def test_a_lane_and_an_idempotency_key_hold_across_nodes(nodes: list[Server]) -> None:
    """What waits on one node starts when the other hears that its turn has come; both know the same keys."""
    with nodes[0].client() as one, nodes[1].client() as other:
        first, second = (
            client.post("/action/", json={**BODY, "state": "Pending"}).raise_for_status().json()
            for client in (one, other)
        )
        assert (first["state"], second["state"]) == ("In progress", "Pending")
        one.post(f"/action/{first['uuid']}/finish/", json={"state": "Success"}).raise_for_status()
        assert other.get(f"/action/{second['uuid']}/").json()["state"] == "In progress"
        key = {"Idempotency-Key": str(uuid4())}
        answers = [client.post("/action/", json=BODY, headers=key).raise_for_status().json() for client in (one, other)]
        assert answers[0] == answers[1]


def test_a_key_is_good_and_revoked_everywhere(nodes: list[Server]) -> None:
    """A key that one node has issued is good on the other at once, and revoked there within a second."""
    with nodes[0].client() as one:
        issued = [
            one.post("/acme/key/", json={"user": "bob", "namespace": "acme", "role": "auditor"}).raise_for_status()
            for _ in range(10)
        ]
        bearers = [{"Authorization": f"Bearer {one.json()['key']}"} for one in issued]
        assert [status(nodes[1], bearer) for bearer in bearers] == [200] * 10
        one.delete(f"/acme/key/{issued[3].json()['id']}/").raise_for_status()
    revoked = time.monotonic()
    until(lambda: status(nodes[1], bearers[3]) == 401)
    # The promise is a second; the rest is for a machine that has other things to do.
    assert time.monotonic() - revoked < 1 + 9
    assert [status(nodes[1], bearer) for bearer in bearers] == [200] * 3 + [401] + [200] * 6


def status(node: Server, headers: dict[str, str]) -> int:
    """Return how a request for the list is answered."""
    return httpx.get(f"{node.api}/action/", headers=headers).status_code


def test_two_nodes_do_what_the_model_does(nodes: list[Server]) -> None:
    """Whatever requests are made in whatever order, each to the node that did not get the last, the model finds so."""
    with OverHttp(nodes[0].address, nodes[0].key) as one, OverHttp(nodes[1].address, nodes[1].key) as other:
        one.begin()
        other.begin()
        assert check(by_turns([one, other]), examples=20).stories >= 20


def test_while_the_database_is_away_reads_answer_and_recordings_are_refused(tmp_path: Path) -> None:
    """Recording is a 503 with Retry-After, at once; lists answer with Deedbook-Lag; and both go on by themselves."""
    with own_server() as postgres:
        node = Server(postgres.database(), DEEDBOOK_VIEWS=str(tmp_path))
        with node.client() as client:
            client.post("/action/", json=BODY).raise_for_status()
            assert client.get("/action/").json()["meta"]["total_count"] == 2
            postgres.stop()
            for _ in range(3):
                began = time.monotonic()
                refused = client.post("/action/", json=BODY)
                assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
                assert "can't be reached now" in refused.json()["error"]
                assert str(postgres.folder) not in refused.text, "it is nobody's business where the database is"
                listed = client.get("/action/").raise_for_status()
                assert listed.json()["meta"]["total_count"] == 2
                assert int(listed.headers["Deedbook-Lag"]) >= 1
                assert httpx.get(f"{node.address}/health").status_code == 503
                assert time.monotonic() - began < 10
            postgres.start()
            until(lambda: client.post("/action/", json=BODY).status_code == 201)
            listed = client.get("/action/").raise_for_status()
            assert listed.json()["meta"]["total_count"] == 3
            assert "Deedbook-Lag" not in listed.headers
        assert "Traceback" not in node.printed()
        node.kill()


def test_a_database_that_says_nothing_holds_up_no_list(tmp_path: Path) -> None:
    """A server that stopped, with its connections open: within seconds lists answer again, with Deedbook-Lag."""
    postgres = shared_server()
    with proxied(postgres) as proxy:
        node = Server(proxy.url(postgres.database()), DEEDBOOK_VIEWS=str(tmp_path))
        with node.client() as client:
            client.post("/action/", json=BODY).raise_for_status()
            client.get("/action/").raise_for_status()
            proxy.is_holding = True
            until(lambda: "Deedbook-Lag" in client.get("/action/").headers)
            began = time.monotonic()
            for _ in range(10):
                assert "Deedbook-Lag" in client.get("/action/").raise_for_status().headers
            # Each of ten that waited for the views would have taken two seconds.
            assert time.monotonic() - began < 15
            assert client.post("/action/", json=BODY).status_code == 503
            proxy.is_holding = False
            until(lambda: client.post("/action/", json=BODY).status_code == 201)
            until(lambda: "Deedbook-Lag" not in client.get("/action/").headers)
        node.kill()


@pytest.mark.parametrize("command", [["status"], ["verify"], ["export"], ["keys", "list"], ["backup", "copy"]])
@pytest.mark.parametrize("url", ["postgresql://me:hidden@127.0.0.1:1/log", "postgresql://me:hid@den@127.0.0.1/log"])
def test_the_command_line_says_what_is_wrong_in_a_line(tmp_path: Path, url: str, command: list[str]) -> None:
    """A database that is not there: one line, status 2, no password, and no file."""
    done = deedbook(url, *command, DEEDBOOK_VIEWS=str(tmp_path / "views"))
    assert done.returncode == 2
    assert done.stderr.startswith("deedbook: ")
    assert done.stderr.count("\n") == 1
    assert not any(part in done.stderr for part in ("hidden", "hid@", "den@"))
    assert not (tmp_path / "views").exists()


def test_the_command_line_works_on_a_database(tmp_path: Path) -> None:
    """Keys, status, rebuild and verify do what they do on a file; `backup` says whose work that is."""
    url, views = shared_server().database(), {"DEEDBOOK_VIEWS": str(tmp_path)}
    assert "There is no store at" in deedbook(url, "status", **views).stderr
    assert deedbook(url, "keys", "create", "ann", "--namespace", "acme", "--role", "admin", **views).returncode == 0
    assert "ann" in deedbook(url, "keys", "list", **views).stdout
    assert deedbook(url, "rebuild", **views).returncode == 0
    status = deedbook(url, "status", **views).stdout
    assert "position 1" in status
    assert "postgresql://" in status
    checked = deedbook(url, "verify", **views)
    assert (checked.returncode, "findings: 0" in checked.stdout) == (0, True), checked.stdout + checked.stderr
    assert "pg_dump" in deedbook(url, "backup", str(tmp_path / "copy"), **views).stderr


def test_a_key_is_good_before_anybody_has_heard_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A node that has not heard yet that a key was issued elsewhere finds it all the same: it asks first."""
    monkeypatch.setattr(Listener, "_news", lambda _: None)
    place = place_of(shared_server().database())
    with closing(place.open()) as one, closing(place.open()) as other:
        keyring = Keyring(other.log)
        assert keyring.find(Credentials(None, "unknown")) is None
        secret = issue_at_once(one.audit_log, KeyRequest("ann", "acme", Role.ADMIN), uuid4, Caller(user="me"))
        assert keyring.find(Credentials(None, secret)) is not None
