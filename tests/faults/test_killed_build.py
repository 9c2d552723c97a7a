"""Builds that end in their middle: the old views answer on, everybody is told, and nothing half done is left."""

import os
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.faults.ledger import wait_for
from tests.support.ended import has_ended
from tests.support.release import held, release
from tests.support.server import Server, deedbook, serving

Json = dict[str, Any]


class Scene:
    """A server with some actions, whose builds wait in their middle until `go` is called."""

    def __init__(self, server: Server, folder: Path, path: str) -> None:
        self.server = server
        self.folder = folder
        self.path = path
        self.client = server.client()
        for number in range(5):
            self.record(str(number))

    def record(self, marker: str) -> None:
        """Record an action."""
        body = {"action": marker, "method": "GET", "path": "/", "state": "Success"}
        assert self.client.post("/action/", json=body).status_code == 201

    def total(self) -> int:
        """Return how many actions are listed."""
        answer = self.client.get("/acme/action/")
        assert answer.status_code == 200, answer.text
        return int(answer.json()["meta"]["total_count"])

    def start(self) -> int:
        """Have the views rebuilt, and return the process that is in the middle of it."""
        answer = self.client.post("/admin/rebuild/")
        assert answer.status_code == 202, answer.text
        wait_for(lambda: self.running()["phase"] == "indexing", "the middle of the build")
        return int(self.running()["pid"])

    def told(self) -> Json:
        """Return what is told of builds."""
        found: Json = self.client.get("/admin/rebuild/").json()
        return found

    def running(self) -> Json:
        """Return what is told of the build that runs."""
        found = self.told()["running"]
        assert isinstance(found, dict)
        return found

    def health(self) -> Json:
        """Return what the server says of itself."""
        found: Json = httpx.get(f"{self.server.address}/health", timeout=30).json()
        return found

    def half_done(self) -> list[Path]:
        """Return what is there of generations that do not answer."""
        return list(self.folder.glob("views-*.building*"))

    def generation(self) -> str:
        """Return the name of the generation that answers."""
        return max(self.folder.glob("views-*.db")).name

    def go(self) -> None:
        """Let builds go on."""
        (self.folder / "go").touch()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """A server whose builds wait."""
    path = release(tmp_path / "release", held(tmp_path / "go"))
    (tmp_path / "go").touch()
    with serving(tmp_path, PYTHONPATH=path) as server:
        scene = Scene(server, tmp_path, path)
        (tmp_path / "go").unlink()
        yield scene
        scene.client.close()


def test_a_build_that_is_killed_leaves_the_old_views(scene: Scene) -> None:
    """They answer on, what is left of it harms nobody, and the next build removes it."""
    before = scene.generation()
    pid = scene.start()
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: scene.told()["running"] is None, "the build to be gone")
    last = scene.told()["last"]
    assert (last["outcome"], "killed" in last["reason"]) == ("killed", True)
    assert scene.health()["rebuild"] is None
    assert "killed" in scene.health()["rebuild_failure"]
    assert scene.half_done()
    scene.record("more")
    assert (scene.total(), scene.generation()) == (6, before)
    scene.go()
    assert scene.client.post("/admin/rebuild/").status_code == 202
    wait_for(lambda: scene.told()["running"] is None, "the next build")
    assert scene.told()["last"]["outcome"] == "done"
    assert scene.health()["rebuild_failure"] is None
    assert (scene.total(), scene.half_done()) == (6, [])
    assert scene.generation() > before


def test_a_build_ends_with_its_server(scene: Scene) -> None:
    """On SIGTERM, and nothing half done is left; the old views answer when the server is back."""
    before, pid = scene.generation(), scene.start()
    assert scene.server.stop()[0] == 0
    assert has_ended(pid)
    assert scene.half_done() == []
    scene.server.start()
    assert (scene.total(), scene.generation()) == (5, before)
    assert (scene.told()["running"], scene.told()["last"]["outcome"]) == (None, "failed")
    assert "stopping" in scene.told()["last"]["reason"]


def test_a_build_ends_with_a_server_that_is_killed(scene: Scene) -> None:
    """It finds out that it has nobody to build for; and the server that comes back can build."""
    before, pid = scene.generation(), scene.start()
    scene.server.kill()
    wait_for(partial(has_ended, pid), "the build to end")
    scene.server.start()
    assert (scene.total(), scene.generation()) == (5, before)
    scene.go()
    assert scene.client.post("/admin/rebuild/").status_code == 202
    wait_for(lambda: scene.told()["running"] is None, "the next build")
    assert (scene.total(), scene.half_done()) == (5, [])


def test_a_build_that_does_not_end_is_killed(scene: Scene) -> None:
    """A server that stops waits for no build: here one that was stopped in its tracks."""
    pid = scene.start()
    os.kill(pid, signal.SIGSTOP)
    assert scene.server.stop()[0] == 0
    assert has_ended(pid)
    assert scene.half_done() == []


def test_nobody_else_builds_meanwhile(scene: Scene) -> None:
    """Neither another request, nor the command line, nor another server; and each is told so in a sentence."""
    pid = scene.start()
    refused = scene.client.post("/admin/rebuild/")
    assert (refused.status_code, "rebuilt already" in refused.json()["error"]) == (409, True)
    beside = Server(scene.server.url, scene.server.key)
    try:
        with beside.client() as client:
            refused = client.post("/admin/rebuild/")
            assert refused.status_code == 409
            assert client.get("/admin/rebuild/").json()["running"]["pid"] == pid
    finally:
        beside.stop()
    done = deedbook(scene.server.url, "rebuild")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith("deedbook: The views are being rebuilt already")
    assert (scene.running()["pid"], scene.total()) == (pid, 5)
    assert scene.health()["rebuild"]["pid"] == pid
    scene.go()
    wait_for(lambda: scene.told()["running"] is None, "the build")
    assert scene.told()["last"]["outcome"] == "done"
