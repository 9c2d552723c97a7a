"""Views whose disk is full, while the log has room: the node says that it can't answer, and why, and goes on later."""

import resource
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.faults.ledger import wait_for
from tests.faults.test_full_disk import Disk, LimitedFiles, limited_files, small_disk
from tests.support.server import Server, serving

Json = dict[str, Any]

BODY = {"action": "a", "method": "GET", "path": "/", "state": "Success"}


class Node:
    """A server whose views are on a disk of their own, beside one on the same store that records."""

    def __init__(self, recording: Server, server: Server, disk: Disk) -> None:
        self.recording = recording
        self.server = server
        self.disk = disk

    def record(self) -> None:
        """Record an action, at the other server."""
        with self.recording.client() as client:
            assert client.post("/action/", json=BODY).status_code == 201

    def fill(self) -> None:
        """Let its views take nothing more."""
        if isinstance(self.disk, LimitedFiles):
            resource.prlimit(self.server.process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        else:
            self.disk.fill(self.server)

    def free(self) -> None:
        """Make room again."""
        self.disk.free(self.server)

    def listed(self) -> httpx.Response:
        """Ask it for the list."""
        with self.server.client() as client:
            return client.get("/action/")

    def asked(self, path: str) -> httpx.Response:
        """Ask it for what needs no key."""
        return httpx.get(f"{self.server.address}{path}", timeout=30)

    def builds(self) -> Json:
        """Return what it tells of builds."""
        with self.server.client() as client:
            found: Json = client.get("/admin/rebuild/").json()
            return found

    def rebuilt(self) -> Json:
        """Have its views rebuilt, and return what it tells at once."""
        with self.server.client() as client:
            answer = client.post("/admin/rebuild/")
            assert answer.status_code == 202, answer.text
            found: Json = answer.json()
            return found


@pytest.fixture(params=[small_disk, limited_files])
def node(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Node]:
    """A node that has read what there is."""
    for name in ("log", "views"):
        (tmp_path / name).mkdir()
    with ExitStack() as stack:
        disk = stack.enter_context(request.param(tmp_path / "views"))
        recording = stack.enter_context(serving(tmp_path / "log"))
        server = Server(recording.url, recording.key, DEEDBOOK_VIEWS=str(disk.folder))
        stack.callback(server.kill)
        node = Node(recording, server, disk)
        node.record()
        assert node.listed().status_code == 200
        yield node


def is_ready(node: Node) -> tuple[int, int, int, bool]:
    """Return how the probes are answered (lives, answers reads, all) and what the metric says."""
    live, reads, all_ = (node.asked(f"/health?of={of}").status_code for of in ("live", "reads", "all"))
    return live, reads, all_, "deedbook_ready 1" in node.asked("/metrics").text


def test_a_node_whose_views_can_t_go_on_is_not_ready(node: Node) -> None:
    """Lists are 503 and say why; so do probes and metric, until there is room. What it has read makes it ready."""
    node.fill()
    assert is_ready(node) == (200, 200, 200, True)
    node.record()
    wait_for(lambda: node.asked("/health").json()["views"]["failure"] is not None, "the runner to fail")
    refused = node.listed()
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    failure = node.asked("/health").json()["views"]["failure"]
    assert "disk" in failure
    assert refused.json() == {
        "error": f"The views are behind the log, and can't be kept up with it ({failure}); repeat in a second."
    }
    assert is_ready(node) == (200, 503, 503, False)
    assert not node.asked("/health").json()["ready"]
    node.free()
    wait_for(lambda: is_ready(node) == (200, 200, 200, True), "the views")
    assert len(node.listed().json()["objects"]) == 3


def test_a_rebuild_that_finds_no_room_is_told(node: Node) -> None:
    """That it runs, that it failed and why, though no word of it can be written down; the next one is told too."""
    assert node.builds()["last"]["because"] == "there were no views"
    node.fill()
    assert node.rebuilt()["running"]["because"] == "me asked for it"
    wait_for(lambda: node.builds()["running"] is None, "the build to end")
    last = node.builds()["last"]
    assert (last["because"], last["outcome"], "disk" in last["reason"]) == ("me asked for it", "failed", True)
    assert node.asked("/health").json()["rebuild_failure"] == last["reason"]
    assert not list(node.disk.folder.glob("views-progress.new"))
    if not isinstance(node.disk, LimitedFiles):
        # Else what it prints is a file that may not grow either.
        assert last["reason"] in node.server.printed()
    node.free()
    node.rebuilt()
    wait_for(lambda: node.builds()["running"] is None, "the next build")
    assert node.builds()["last"]["outcome"] == "done"
    assert node.builds()["last"]["generation"] > last["generation"]
    assert node.asked("/health").json()["rebuild_failure"] is None
