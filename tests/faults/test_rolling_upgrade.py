"""Two releases beside each other on one log: the older one meets what it does not know, and nothing is lost by that."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.faults.ledger import wait_for
from tests.faults.test_releases import Waited
from tests.support.release import release
from tests.support.server import Server, deedbook
from tests.support.websocket import Close, bearer, following

#: A difference: a release that writes the end of an action in a second version, and reads both.
ENDS_ANEW = """
    from deedbook.domain import events
    events.ActionEnded.TOPIC = "action.ended/2"
    events.EVENTS = {kind.TOPIC: kind for kind in events.EVENTS.values()}
    from deedbook.domain.store import codec
    codec.UPCASTERS["action.ended/1"] = ("action.ended/2", lambda fields: fields)
"""


class Nodes:
    """A log, and nodes on it with views of their own."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        self.newer = release(folder / "newer", ENDS_ANEW)
        self.key: str | None = None

    @contextmanager
    def node(self, name: str, *, is_newer: bool = False) -> Iterator[Server]:
        """Give a node of either release; one of the same name goes on with its views."""
        more = {"PYTHONPATH": self.newer} if is_newer else {}
        node = Waited(self.url, self.key, DEEDBOOK_VIEWS=str(self._views(name)), **more)
        self.key = node.key
        try:
            yield node
        finally:
            if node.process.poll() is None:
                node.kill()

    def verified(self, name: str) -> str:
        """Return what the newer release finds wrong with the log and the views of a node."""
        done = deedbook(self.url, "verify", PYTHONPATH=self.newer, DEEDBOOK_VIEWS=str(self._views(name)))
        return "" if done.returncode == 0 else done.stdout

    def _views(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        return folder


@pytest.fixture(params=["sqlite", "postgresql"])
def nodes(request: pytest.FixtureRequest, tmp_path: Path) -> Nodes:
    """A log of each engine."""
    if request.param == "sqlite":
        return Nodes(f"sqlite:///{tmp_path.resolve()}/log.db", tmp_path)
    # Not before it is asked for: where there is no PostgreSQL, that skips.
    from tests.support.postgres import shared_server  # noqa: PLC0415

    return Nodes(shared_server().database(), tmp_path)


def post(node: Server, path: str, body: dict[str, Any]) -> httpx.Response:
    """Ask for a change."""
    with node.client() as client:
        return client.post(path, json=body)


def record(node: Server, marker: str, state: str = "In progress") -> str:
    """Record an action on one object, and return its id."""
    answer = post(node, "/action/", {"action": marker, "method": "POST", "path": "/", "state": state, "object": "/a/"})
    assert answer.status_code in (201, 202), answer.text
    return str(answer.json()["uuid"])


def listed(node: Server) -> httpx.Response:
    """Ask for the list."""
    with node.client() as client:
        return client.get("/acme/action/")


def states(node: Server) -> dict[str, str]:
    """Return the state of each action in the list."""
    return {one["action"]: one["state"] for one in listed(node).json()["objects"]}


def health(node: Server) -> dict[str, Any]:
    """Return what a node says of itself."""
    told: dict[str, Any] = httpx.get(f"{node.address}/health", timeout=30).json()
    return told


def test_an_older_release_beside_a_newer_one(nodes: Nodes) -> None:
    """It answers from its last good position, records what it can decide, refuses the rest, and recovers by upgrade."""
    with nodes.node("one") as older, nodes.node("two", is_newer=True) as newer:
        wait_for(lambda: health(older)["ready"] and health(newer)["ready"], "both")
        ends, waits = record(older, "ends"), record(newer, "waits", "Pending")
        assert states(older) == states(newer) == {"ends": "In progress", "waits": "Pending"}
        good = health(older)["log"]["position"]

        with following(f"{older.stream}/events/", bearer(older.key)) as stream:
            assert post(newer, f"/action/{ends}/finish/", {"state": "Success"}).status_code == 200
            frames, close = stream.rest()
        assert frames == []
        assert close == Close(1011, f"the event at position {good + 1} can't be read here; resume with after={good}")

        wait_for(lambda: health(older)["views"]["stopped_at"] == good + 1, "the older to stop")
        told = health(older)
        assert (told["ready"], told["views"]["position"]) == (True, good)
        assert "action.ended/2" in told["views"]["reason"]
        begun = time.monotonic()
        answers = [listed(older) for _ in range(10)]
        assert time.monotonic() - begun < 10
        for answer in answers:
            assert (answer.status_code, answer.headers["Deedbook-Position"]) == (200, str(good))
            assert int(answer.headers["Deedbook-Lag"]) >= 1
        assert states(older) == {"ends": "In progress", "waits": "Pending"}
        assert states(newer) == {"ends": "Success", "waits": "In progress"}
        assert "Deedbook-Lag" not in listed(newer).headers

        # What it can't decide, since it can't read what happened, it refuses for now, and nothing of it is recorded.
        head = health(newer)["log"]["position"]
        for path, body in (
            (f"/action/{ends}/cancel/", {}),
            (f"/action/{ends}/retry/", {}),
            (f"/action/{ends}/finish/", {"state": "Failed"}),
            (f"/action/{ends}/logs/", {"lines": ["too late"]}),
        ):
            refused = post(older, path, body)
            assert (refused.status_code, "action.ended/2" in refused.json()["error"]) == (503, True), refused.text
            assert refused.headers["Retry-After"]
        assert health(newer)["log"]["position"] == head
        # All else it records; and what it ends, each release can read.
        record(older, "more", "Pending")
        assert post(older, f"/action/{waits}/finish/", {"state": "Failed"}).status_code == 200
        assert states(newer) == {"ends": "Success", "waits": "Failed", "more": "In progress"}
        with following(f"{newer.stream}/events/?after={good}", bearer(newer.key)) as stream:
            seen = [(frame["position"], frame["state"]) for frame in stream.frames(5)]
        assert [state for _, state in seen] == ["Success", "In progress", "Pending", "Failed", "In progress"]

        assert older.stop()[0] == 0
        with nodes.node("one", is_newer=True) as upgraded:
            wait_for(lambda: health(upgraded)["views"].get("stopped_at", 0) is None, "the upgraded to go on")
            answer = listed(upgraded)
            assert (answer.status_code, "Deedbook-Lag" in answer.headers) == (200, False)
            assert answer.content == listed(newer).content
            assert health(upgraded)["views"]["head"] == health(newer)["views"]["head"]
            assert [nodes.verified(name) for name in ("one", "two")] == ["", ""]


def test_a_role_that_only_a_newer_release_knows(tmp_path: Path) -> None:
    """Its holders may do nothing on an older node; everybody else may what they could."""
    nodes = Nodes(f"sqlite:///{tmp_path.resolve()}/log.db", tmp_path)
    with nodes.node("one") as node:
        wait_for(lambda: bool(health(node)["ready"]), "the views")
        with node.client() as client:
            issued = client.post("/key/", json={"user": "zoe", "namespace": "acme", "role": "auditor"}).json()
        # As a newer release would have issued it: what is in the table can't be changed.
        with closing(sqlite3.connect(tmp_path / "log.db", isolation_level=None)) as db:
            db.execute(
                "INSERT INTO api_keys (id, user, namespace, role, secret_hash, created)"
                " SELECT randomblob(16), user, namespace, 'owner', randomblob(32), created FROM api_keys"
                " WHERE user = 'zoe'"
            )
        record(node, "wakes the keyring")
        with node.client() as client, node.client(issued["key"], "zoe") as auditor:
            assert client.get("/acme/action/").status_code == 200
            assert auditor.get("/action/").status_code == 200
            assert sorted(key["role"] for key in client.get("/key/").json()["objects"]) == ["admin", "auditor", "owner"]
        assert "Traceback" not in node.stop()[1]


def test_an_answer_that_only_a_newer_release_can_give_again(tmp_path: Path) -> None:
    """What stands for its Idempotency-Key is not done anew, and not taken for something else: it is a 503."""
    nodes = Nodes(f"sqlite:///{tmp_path.resolve()}/log.db", tmp_path)
    body = {"action": "once", "method": "GET", "path": "/", "state": "Success"}
    with nodes.node("one") as node, node.client() as client:
        assert client.post("/action/", json=body, headers={"Idempotency-Key": "ours"}).status_code == 201
        with closing(sqlite3.connect(tmp_path / "log.db", isolation_level=None)) as db:
            db.execute(
                "INSERT INTO idempotency SELECT namespace, 'theirs', request, ?, position FROM idempotency",
                (b'{"type":"blessed"}',),
            )
        head = health(node)["log"]["position"]
        answer = client.post("/action/", json=body, headers={"Idempotency-Key": "theirs"})
        assert (answer.status_code, "Idempotency-Key" in answer.json()["error"]) == (503, True), answer.text
        assert client.post("/action/", json=body, headers={"Idempotency-Key": "ours"}).status_code == 201
        assert health(node)["log"]["position"] == head
        assert "Traceback" not in node.stop()[1]
