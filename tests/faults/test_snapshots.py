"""Nodes that share a folder of snapshots: a new one takes what is there, whatever was done to it, and whoever died."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from deedbook.projections.snapshots import SnapshotName
from tests.faults.ledger import wait_for
from tests.faults.test_releases import Waited
from tests.support.release import newer, release
from tests.support.server import Server, deedbook

#: A difference: it is looked all the time whether another snapshot is due.
LOOKS_OFTEN = """
    from deedbook.projections import leaving
    leaving.LOOK = 0.05
"""

#: A difference: a snapshot is half done for long, while it is left or taken.
SLOW = """
    import time
    from deedbook.projections import snapshots, taking
    def slow_copy(*given, inner=taking._copy):
        inner(*given)
        time.sleep(30)
    taking._copy = slow_copy
    def slow_leave(*given, inner=snapshots._copied):
        done = inner(*given)
        time.sleep(30)
        return done
    snapshots._copied = slow_leave
"""


class Scene:
    """Nodes on one log, each with views of its own, and the folder that they share."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.shared = folder / "shared"
        self.url = f"sqlite:///{folder.resolve()}/log.db"
        self.key: str | None = None

    @contextmanager
    def node(self, name: str, *differences: str, events: int = 1) -> Iterator[Server]:
        """Give a node that looks often, and leaves a snapshot every so many events."""
        (self.folder / name).mkdir(exist_ok=True)
        node = Waited(
            self.url,
            self.key,
            DEEDBOOK_VIEWS=str(self.folder / name),
            DEEDBOOK_SNAPSHOTS=str(self.shared),
            DEEDBOOK_SNAPSHOT_EVENTS=str(events),
            PYTHONPATH=release(self.folder / f"{name}-release", *differences, LOOKS_OFTEN),
        )
        self.key = node.key
        try:
            yield node
        finally:
            if node.process.poll() is None:
                node.kill()

    def left(self) -> list[Path]:
        """Return the snapshots that are there, the farthest first."""
        return sorted((path for path in self.shared.glob("*.views")), reverse=True)

    def position(self) -> int:
        """Return the position of the farthest."""
        name = SnapshotName.parse(self.left()[0]) if self.left() else None
        return 0 if name is None else name.position


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """A folder without nodes."""
    return Scene(tmp_path)


@pytest.fixture(params=["sqlite", "postgresql"])
def any_scene(request: pytest.FixtureRequest, scene: Scene) -> Scene:
    """The same, with a log of each engine."""
    if request.param == "postgresql":
        # Not before it is asked for: where there is no PostgreSQL, that skips.
        from tests.support.postgres import shared_server  # noqa: PLC0415

        scene.url = shared_server().database()
    return scene


def record(node: Server, *markers: str) -> None:
    """Record actions."""
    with node.client() as client:
        for marker in markers:
            answer = client.post("/action/", json={"action": marker, "method": "GET", "path": "/", "state": "Success"})
            assert answer.status_code == 201, answer.text


def listed(node: Server) -> list[str]:
    """Return the operations that a node lists, once it has views."""
    wait_for(lambda: bool(health(node)["ready"]), "the views")
    with node.client() as client:
        answer = client.get("/acme/action/?limit=500")
        assert answer.status_code == 200, answer.text
        return [one["action"] for one in answer.json()["objects"]]


def health(node: Server) -> dict[str, Any]:
    """Return what a node says of itself."""
    told: dict[str, Any] = httpx.get(f"{node.address}/health", timeout=30).json()
    return told


def test_a_new_node_begins_with_what_another_one_left(any_scene: Scene) -> None:
    """It lists all that was recorded, also since; `/health` says where it began; its views are those of a replay."""
    scene = any_scene
    with scene.node("one") as one:
        record(one, "a", "b")
        wait_for(lambda: scene.position() == health(one)["log"]["position"], "the snapshot")
        position = scene.position()
        with scene.node("two", events=10**6) as two:
            wait_for(lambda: health(two)["ready"], "the views")
            told = health(two)["snapshots"]
            assert (told["taken"], told["takes"], told["passed_over"], told["failure"]) == (position, 1, {}, None)
            record(two, "c")
            assert listed(one) == listed(two) == ["a", "b", "c"]
            checked = deedbook(scene.url, "verify", DEEDBOOK_VIEWS=str(scene.folder / "two"))
            assert checked.returncode == 0, checked.stdout
            metrics = httpx.get(f"{two.address}/metrics", timeout=30).text
            assert "deedbook_snapshots_taken_total 1.0" in metrics
            assert one.stop()[0] == two.stop()[0] == 0


def test_wrong_ones_are_passed_over_and_said_so(scene: Scene) -> None:
    """A half one and a forged one: the log is read instead, `/health` and the log of the server tell why."""
    with scene.node("one") as one:
        record(one, "a")
        wait_for(lambda: scene.position() == health(one)["log"]["position"], "the snapshot")
    (whole, *rest) = scene.left()
    for path in rest:
        path.unlink()
    with whole.open("r+b") as file:
        file.truncate(whole.stat().st_size // 2)
    name = SnapshotName.parse(whole)
    assert name is not None
    forged = scene.shared / str(name._replace(digest="0" * 64))
    shutil.copy(whole, forged)
    with scene.node("two", events=10**6) as two:
        assert listed(two) == ["a"]
        told = health(two)["snapshots"]
        assert told["taken"] is None
        assert told["refusals"] == 2
        assert set(told["passed_over"]) == {whole.name, forged.name}
        assert "is damaged, or not whole" in two.printed()


@pytest.mark.parametrize("who", ["leaves", "takes"])
def test_a_node_that_is_killed_meanwhile_harms_nobody(scene: Scene, who: str) -> None:
    """Killed while it leaves or takes one, it leaves nothing that another one would use, and starts again as any."""
    with scene.node("one") as one:
        record(one, "a", "b")
        wait_for(lambda: scene.position() == health(one)["log"]["position"], "the snapshot")
        one.kill()
    whole = scene.left()
    if who == "leaves":
        with scene.node("one", SLOW) as one:
            record(one, "c")
            wait_for(lambda: any(scene.shared.glob("*.leaving")), "a half snapshot")
            one.kill()
        assert scene.left() == whole
    else:
        with scene.node("two", SLOW, events=10**6) as two:
            wait_for(lambda: (health(two)["rebuild"] or {}).get("phase") == "copying", "a half copy")
            assert not health(two)["ready"]
            two.kill()
    with scene.node("two", events=10**6) as two:
        wait_for(lambda: health(two)["ready"], "the views")
        assert health(two)["snapshots"]["taken"] is not None
        assert listed(two) == (["a", "b", "c"] if who == "leaves" else ["a", "b"])
        assert not list((scene.folder / "two").glob("*.building*"))


def test_releases_with_other_views_take_none_of_each_other(scene: Scene) -> None:
    """Each leaves and takes its own; those of the other stay for whoever is of that release."""
    with scene.node("one") as one:
        record(one, "a")
        wait_for(lambda: scene.position() == health(one)["log"]["position"], "the snapshot")
        with scene.node("newer", newer(reads=True)) as upgraded:
            assert listed(upgraded) == ["a"]
            told = health(upgraded)["snapshots"]
            assert (told["taken"], told["refusals"]) == (None, 0)
            assert set(told["passed_over"].values()) == {"its views are those of another release"}
            wait_for(lambda: len({path.name.split("-")[1] for path in scene.left()}) == 2, "one of each")
            with scene.node("older", events=10**6) as older, scene.node("new", newer(reads=True)) as new:
                for node in (older, new):
                    assert listed(node) == ["a"]
                    assert health(node)["snapshots"]["taken"] is not None


def test_a_folder_that_does_not_answer_holds_up_nobody(scene: Scene) -> None:
    """Where it can't be made the node builds, records and answers, and says what is wrong."""
    scene.shared = scene.folder / "file"
    scene.shared.write_text("")
    scene.shared = scene.shared / "below"
    with scene.node("one") as one:
        record(one, "a")
        assert listed(one) == ["a"]
        wait_for(lambda: health(one)["snapshots"]["failure"] is not None, "what is wrong")
        assert "deedbook_snapshots_failing 1.0" in httpx.get(f"{one.address}/metrics", timeout=30).text
        assert one.printed().count("No snapshot can be left") == 1
