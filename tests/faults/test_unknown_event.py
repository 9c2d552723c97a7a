"""An event that this version can't read: the views stop there, say so, and go on to answer; recording goes on."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from deedbook.domain.store.leaf import leaf
from tests.faults.ledger import wait_for
from tests.support.server import Server, deedbook, serving


class Scene:
    """A server with an event of the future in its log, and an action before and after it."""

    def __init__(self, server: Server, path: Path) -> None:
        self.server = server
        self.client = server.client()
        self.before = self.record("before")
        assert self.operations() == ["before"]
        self.position = insert_from_the_future(path)
        wait_for(lambda: self.health()["views"]["stopped_at"] is not None, "the views to stop")
        self.after = self.record("after")

    def record(self, marker: str) -> dict[str, Any]:
        """Record an action that runs on an object."""
        fields = {"action": marker, "method": "POST", "path": "/", "state": "In progress", "object": "/a/"}
        answer = self.client.post("/action/", json=fields)
        assert answer.status_code == 202, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def operations(self) -> list[str]:
        """Return the operations of the key's namespace, in order."""
        return [one["action"] for one in self.client.get("/acme/action/").json()["objects"]]

    def health(self) -> dict[str, Any]:
        """Return what the server says of itself."""
        answer = httpx.get(f"{self.server.address}/health", timeout=30)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told


def insert_from_the_future(path: Path) -> int:
    """Record an event of a topic that nobody knows, as a newer version would: with the leaf that it must have."""
    return insert(path, "action.blessed/1", b'{"at":1}')


def insert(path: Path, topic: str, state: bytes, aggregate: UUID | None = None, version: int = 1) -> int:
    """Write an event behind the log's back, the first of a new aggregate unless said otherwise; return its position."""
    aggregate = aggregate or uuid4()
    with closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        position, recorded = connection.execute("SELECT max(position) + 1, max(recorded) FROM events").fetchone()
        row = (
            position,
            aggregate.bytes,
            version,
            topic,
            recorded,
            state,
            leaf(position, aggregate, version, topic, recorded, state),
        )
        connection.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        connection.execute("COMMIT")
    return int(position)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """The server, once its views have stopped."""
    folder = tmp_path_factory.mktemp("future")
    with serving(folder) as server:
        scene = Scene(server, folder / "log.db")
        with closing(scene.client):
            yield scene


def test_health_says_where_and_why(scene: Scene) -> None:
    """`/health` tells the position that the views stand before, and the reason, which names the topic."""
    told = scene.health()
    assert told["ready"]
    assert told["views"]["stopped_at"] == scene.position
    assert "action.blessed/1" in told["views"]["reason"]
    assert told["views"]["position"] == scene.position - 1
    assert told["views"]["behind"] == told["log"]["position"] - scene.position + 1 > 1
    assert told["views"]["lag_seconds"] >= 0


def test_lists_answer_from_what_was_read_and_say_so(scene: Scene) -> None:
    """They answer with 200, at once, with how far behind they are; what stands after the event is not in them."""
    answer = scene.client.get("/acme/action/")
    assert answer.status_code == 200
    assert [one["action"] for one in answer.json()["objects"]] == ["before"]
    assert int(answer.headers["Deedbook-Lag"]) >= 1
    assert answer.headers["Deedbook-Position"] == str(scene.position - 1)


def test_one_action_is_answered_the_same_way(scene: Scene) -> None:
    """What was before the event is found, what came after it is not yet; relationships too say how far they are."""
    found = scene.client.get(f"/action/{scene.before['uuid']}/")
    assert (found.status_code, found.json()["action"]) == (200, "before")
    assert "Deedbook-Lag" in found.headers
    assert scene.client.get(f"/action/{scene.after['uuid']}/").status_code == 404
    assert "Deedbook-Lag" in scene.client.get("/relationship/", params={"object": "/a/"}).headers


def test_recording_goes_on(scene: Scene) -> None:
    """What comes after it is recorded, and can be changed."""
    told = scene.record("more")
    for one in (scene.after, told):
        path = f"/action/{one['uuid']}"
        assert scene.client.post(f"{path}/logs/", json={"lines": ["line"]}).json() == {"first": 1, "count": 1}
        assert scene.client.post(f"{path}/cancel/").status_code == 202
        ended = scene.client.post(f"{path}/finish/", json={"state": "Canceled"})
        assert (ended.status_code, ended.json()["state"]) == (200, "Canceled")


def test_the_event_is_never_skipped(scene: Scene) -> None:
    """Neither a restart nor a rebuild gets over it, and `verify` and `status` name it."""
    for _ in range(2):
        scene.server.stop()
        done = deedbook(scene.server.url, "rebuild")
        assert "Traceback" not in done.stderr
        scene.server.start()
        wait_for(lambda: scene.health()["views"]["stopped_at"] == scene.position, "the views to stop again")
        assert scene.health()["views"]["position"] == scene.position - 1
        assert scene.operations() == ["before"]
    verified = deedbook(scene.server.url, "verify")
    assert verified.returncode == 1
    assert f"position {scene.position}: " in verified.stdout
    assert "action.blessed/1" in verified.stdout
    assert f"stopped at {scene.position}" in deedbook(scene.server.url, "status").stdout
