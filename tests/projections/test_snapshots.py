"""A node that takes a snapshot has what one has that read the whole log; what is not right is never taken."""

import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deedbook.domain.log import EventLog
from deedbook.domain.results import Command
from deedbook.domain.store.sqlite import SqliteStore
from deedbook.domain.testing import command_sequences, live
from deedbook.projections import leaving, snapshots
from deedbook.projections.generations import AlreadyBuilding, Generations
from deedbook.projections.leaving import Leaving
from deedbook.projections.rebuild import BuildAbandoned, build
from deedbook.projections.snapshots import KEPT, SnapshotName, Snapshots
from deedbook.projections.taking import Taking
from deedbook.projections.view import Views, connect, tracking
from tests.faults.ledger import wait_for
from tests.support.running import record_running
from tests.support.tables import rows


def content(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of a file of views."""
    with closing(sqlite3.connect(path)) as db:
        return rows(db)


class Scene:
    """A log, a node that has read it, and the folder that it shares with another node, which has no views."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = SqliteStore(folder / "log.db")
        self.log: EventLog = self.store.log
        self.shared = folder / "shared"
        self.snapshots = Snapshots(self.shared, self.log)
        self.one = self.node("one")
        self.record(8)
        self.views = build(self.log, self.one)

    def node(self, name: str) -> Generations:
        """Return the views of another node."""
        folder = self.folder / name
        folder.mkdir()
        return Generations(folder)

    def record(self, count: int) -> None:
        """Record actions, of which the first ends."""
        record_running(self.store.audit_log, count)

    def catch_up(self) -> None:
        """Let the node read what is new."""
        views = Views(self.views)
        while happened := self.log.read(views.tracking.position, 1000):
            views.apply(happened)
        views.close()

    def leave(self) -> Path:
        """Leave a snapshot of all that there is."""
        self.catch_up()
        left = self.snapshots.leave(self.views)
        assert left is not None
        return left

    def taking(self, name: str = "two") -> Taking:
        """Return what takes snapshots for another node."""
        return Taking(self.snapshots, self.log, self.node(name))


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """A scene, closed at the end."""
    scene = Scene(tmp_path)
    yield scene
    scene.store.close()


@settings(max_examples=20, deadline=None)
@given(before=command_sequences(), after=command_sequences(), later=command_sequences(), batch=st.integers(1, 7))
def test_a_node_that_took_a_snapshot_has_what_a_replay_gives(
    before: list[Command], after: list[Command], later: list[Command], batch: int
) -> None:
    """Row for row, whatever was recorded before and after the snapshot, and however it goes on from there."""
    with tempfile.TemporaryDirectory() as name, closing(SqliteStore(Path(name) / "log.db")) as store:
        one, two = Generations(Path(name) / "one"), Generations(Path(name) / "two")
        one.folder.mkdir()
        two.folder.mkdir()
        shared = Snapshots(Path(name) / "shared", store.log)
        live(store.audit_log, before)
        left = shared.leave(build(store.log, one))
        assert (left is None) == (store.log.head() == 0)
        live(store.audit_log, after)
        taken = Taking(shared, store.log, two).take("there were no views")
        assert (taken is None) == (left is None)
        if taken is not None:
            live(store.audit_log, later)
            views = Views(taken)
            while happened := store.log.read(views.tracking.position, batch):
                views.apply(happened)
            views.close()
            assert content(taken) == content(build(store.log, one))


def test_the_farthest_that_fits_is_taken(scene: Scene) -> None:
    """It answers when it has what the log had, nothing is left beside it, and it can be read by nobody else."""
    scene.leave()
    scene.record(5)
    left = scene.leave()
    position = scene.log.head()
    scene.record(5)
    taking = scene.taking()
    taken = taking.take("there were no views")
    assert taken is not None
    assert (taking.taken, taking.takes, taking.refusals) == (position, 1, 0)
    with closing(connect(taken)) as db:
        assert tracking(db).position == scene.log.head()
    assert {path.name for path in taken.parent.iterdir()} <= {taken.name, "views-building", "views-progress"}
    assert [path.stat().st_mode & 0o777 for path in (left, taken)] == [0o600, 0o600]
    assert content(taken) == content(build(scene.log, scene.one))


def cut(path: Path) -> None:
    """Leave a half of it."""
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def flip(path: Path) -> None:
    """Change a bit in its middle."""
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        byte = file.read(1)[0]
        file.seek(-1, 1)
        file.write(bytes([byte ^ 1]))


def empty(path: Path) -> None:
    """Leave nothing of it."""
    path.write_bytes(b"")


def vanish(path: Path) -> None:
    """Put a folder in its place."""
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("damage", [cut, flip, empty, vanish])
def test_a_damaged_one_is_never_taken(scene: Scene, damage: Callable[[Path], None]) -> None:
    """The one before it is; why, is said; and nothing of the damaged one is left in the node's folder."""
    good = scene.leave()
    scene.record(5)
    bad = scene.leave()
    damage(bad)
    taking = scene.taking()
    taken = taking.take("there were no views")
    assert taken is not None
    assert (taking.taken, taking.refusals) == (SnapshotName.parse(good).position, 1)  # type: ignore[union-attr]
    assert list(taking.passed_over) == [bad.name]
    assert content(taken) == content(build(scene.log, scene.one))
    assert not list(taken.parent.glob("*.building*"))


def test_a_name_that_lies_is_found_out(scene: Scene, tmp_path: Path) -> None:
    """Whatever a name says: views of another log, of another release, or that were changed, are not taken."""
    (tmp_path / "elsewhere").mkdir()
    other = Scene(tmp_path / "elsewhere")
    theirs = other.leave()
    other.store.close()
    ours = scene.leave()
    name = SnapshotName.parse(ours)
    assert name is not None
    for file, change in (
        (theirs, None),
        (ours, "UPDATE versions SET version = version + 1"),
        (ours, "UPDATE tracking SET recorded = recorded + 1"),
        (ours, "UPDATE head SET frontier = zeroblob(length(frontier))"),
        (ours, "UPDATE head SET size = size + 1"),
        (ours, "DELETE FROM documents WHERE id = (SELECT max(id) FROM documents)"),
        (ours, "DROP TABLE tracking"),
    ):
        shutil.rmtree(scene.folder / "two", ignore_errors=True)
        copy = tmp_path / "copy"
        shutil.copy(file, copy)
        if change is not None:
            with closing(sqlite3.connect(copy)) as db:
                db.execute(change)
                db.commit()
                if change.startswith("DELETE"):
                    # A law that only a replay can check is not enough: one of those that can be is broken too.
                    db.execute("UPDATE terms SET total = total + 1 WHERE field = 'user'")
                    db.commit()
        digest = sha256(copy.read_bytes()).hexdigest()
        lying = copy.rename(scene.shared / str(name._replace(digest=digest)))
        ours_hidden = ours.rename(tmp_path / ours.name) if lying != ours else ours
        taking = scene.taking()
        assert taking.take("there were no views") is None, change
        assert (list(taking.passed_over), taking.refusals) == ([lying.name], 1), change
        lying.unlink()
        ours_hidden.rename(ours)


def test_what_is_of_another_log_or_release_is_not_even_opened(scene: Scene) -> None:
    """Nor is one of a past that this log does not have; each with its reason, and without being counted as wrong."""
    name = SnapshotName.parse(scene.leave())
    assert name is not None
    for path in scene.shared.iterdir():
        path.unlink()
    others = {
        "another log": name._replace(log="0" * 16),
        "another release": name._replace(release="0" * 8),
        "no such event at position 18": name._replace(last="0" * 16),
        "no such event at position 5,000": name._replace(position=5000),
    }
    for one in others.values():
        (scene.shared / str(one)).write_bytes(b"")
    (scene.shared / "README").write_text("What else lies there is of no interest.")
    taking = scene.taking()
    assert taking.take("there were no views") is None
    assert taking.refusals == 0
    assert len(taking.passed_over) == len(others)
    for words, one in others.items():
        assert words in taking.passed_over[str(one)]


def test_each_is_taken_once(scene: Scene) -> None:
    """One whose views were lost or damaged later is not taken for ever: then the log is read."""
    scene.leave()
    taking = scene.taking()
    assert taking.take("there were no views") is not None
    assert taking.take("the views were damaged") is None
    assert list(taking.passed_over.values()) == ["it was taken before"]


def test_a_folder_that_is_none_leaves_the_log(scene: Scene, tmp_path: Path) -> None:
    """One that is missing, or a file, is no reason not to build; what can't be left there raises."""
    taking = scene.taking()
    assert taking.take("there were no views") is None
    (tmp_path / "file").write_text("")
    wrong = Snapshots(tmp_path / "file", scene.log)
    assert Taking(wrong, scene.log, scene.node("three")).take("there were no views") is None
    with pytest.raises(OSError, match="file"):
        wrong.leave(scene.views)


def test_it_is_given_up_when_the_node_stops(scene: Scene) -> None:
    """At whichever step; nothing is left of it, and another one can take it afterwards."""
    scene.leave()
    scene.record(3)
    generations = scene.node("two")
    for step in range(2):
        asked = iter([False] * step)
        with pytest.raises(BuildAbandoned):
            Taking(scene.snapshots, scene.log, generations).take("", lambda asked=asked: next(asked, True))  # type: ignore[misc]
        assert not list(generations.folder.glob("views-*"))[2:]
        assert generations.current() is None
    assert Taking(scene.snapshots, scene.log, generations).take("") is not None


def test_one_at_a_time_takes_or_builds(scene: Scene) -> None:
    """While somebody builds, it is not begun."""
    scene.leave()
    generations = scene.node("two")
    with generations.building(generations.claim()), pytest.raises(AlreadyBuilding):
        Taking(scene.snapshots, scene.log, generations).take("")


def test_nodes_that_leave_at_once_never_meet(scene: Scene) -> None:
    """The same views are the same file; whoever leaves meanwhile, each file that has a name is whole."""
    threads = [threading.Thread(target=scene.snapshots.leave, args=(scene.views,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (left,) = scene.shared.iterdir()
    name = SnapshotName.parse(left)
    assert name is not None
    assert name.digest == sha256(left.read_bytes()).hexdigest()


def test_a_copy_is_of_one_moment(scene: Scene) -> None:
    """What the runner folds while it is made is in the next one."""
    views = Views(scene.views)
    calls = iter(range(1000))

    def meanwhile() -> bool:
        if next(calls) == 0:
            scene.record(3)
            views.apply(scene.log.read(views.tracking.position, 1000))
        return False

    before = scene.log.head()
    left = scene.snapshots.leave(scene.views, meanwhile)
    views.close()
    assert left is not None
    assert SnapshotName.parse(left).position == before  # type: ignore[union-attr]
    taken = scene.taking().take("")
    assert taken is not None
    assert content(taken) == content(build(scene.log, scene.one))


def test_the_last_few_are_kept(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of this log and release; those of others stay, until a week after the last of this log's other releases."""
    name = SnapshotName.parse(scene.leave())
    assert name is not None
    foreign = scene.shared / str(name._replace(log="0" * 16))
    older = scene.shared / str(name._replace(release="0" * 8))
    dead = scene.shared / "host-1-abc.leaving"
    for path in (foreign, older, dead):
        path.write_bytes(b"")
    left = []
    for _ in range(KEPT + 2):
        scene.record(2)
        left.append(scene.leave())
        scene.snapshots.prune()
    ours = [one for one in scene.snapshots.there() if scene.snapshots.unfit(one.name) is None]
    assert [one.path for one in ours] == left[: -KEPT - 1 : -1]
    assert all(path.exists() for path in (foreign, older, dead))
    monkeypatch.setattr(snapshots, "OTHERS", -1.0)
    monkeypatch.setattr(snapshots, "STALE", -1.0)
    scene.snapshots.prune()
    assert [path.exists() for path in (foreign, older, dead)] == [True, False, False]


def test_one_is_left_when_it_is_time(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first at once; then after so many events, or minutes if anything happened; and only by who leads."""
    monkeypatch.setattr(leaving, "LOOK", 0.01)
    leads = threading.Event()
    thread = Leaving(scene.snapshots, scene.one, events=20, minutes=60)
    thread.start(leads.is_set)
    try:
        threading.Event().wait(0.2)
        assert thread.left == 0
        leads.set()
        wait_for(lambda: thread.left == 1, "the first")
        scene.record(5)
        scene.catch_up()
        threading.Event().wait(0.2)
        assert thread.left == 1
        scene.record(5)
        scene.catch_up()
        wait_for(lambda: thread.left == 2, "the second")
        monkeypatch.setattr(thread, "_minutes", 0)
        threading.Event().wait(0.2)
        assert thread.left == 2
        scene.record(1)
        scene.catch_up()
        wait_for(lambda: thread.left == 3, "the third")
        assert thread.failure is None
    finally:
        thread.close()


def test_views_that_stand_still_are_not_left(scene: Scene) -> None:
    """Nor are those of another release, or of nothing."""
    views = Views(scene.views)
    views.stop(scene.log.head() + 1, "it can't be read")
    assert scene.snapshots.leave(scene.views) is None
    views.go_on()
    assert scene.snapshots.leave(scene.views) is not None
    views.db.execute("UPDATE versions SET version = version + 1")
    assert scene.snapshots.leave(scene.views) is None
    views.close()
    assert not list(scene.shared.glob("*.leaving"))
