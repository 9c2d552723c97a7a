"""A build catches up with a log that goes on, is checked before it answers, and tells how it comes on."""

import resource
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from deedbook.domain.commands import StateParent
from deedbook.domain.store.sqlite import SqliteStore
from deedbook.projections.generations import AlreadyBuilding, Generations
from deedbook.projections.progress import Builds, Outcome, Phase, Progress, read
from deedbook.projections.rebuild import NEXT_TO_NOTHING, BuildAbandoned, Unsound, build
from deedbook.projections.view import Views, connect, tracking
from tests.support.running import BY, record_running
from tests.support.tables import rows


class Scene:
    """A store with some actions below an object, and the files of its views."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = SqliteStore(folder / "log.db")
        self.log = self.store.log
        self.generations = Generations(folder)
        self.store.audit_log.perform(StateParent(namespace="acme", parent="/top/", child="/a/", by=BY))
        self.record(10)

    def record(self, count: int) -> None:
        """Record actions that run, and let the first of them end."""
        record_running(self.store.audit_log, count)

    def at(self, phase: Phase, do: Callable[[], object]) -> Callable[[Progress], None]:
        """Return what a build tells its progress, which does something each time when a phase begins."""
        before: list[Phase] = []

        def told(progress: Progress) -> None:
            if progress.phase is phase and before[-1:] != [phase]:
                do()
            before.append(progress.phase)

        return told

    def change(self, statement: str) -> None:
        """Change the file that is being built, behind the builder's back."""
        (building,) = self.folder.glob("views-*.building")
        with closing(sqlite3.connect(building)) as db:
            db.execute(statement)
            db.commit()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """A scene, closed at the end."""
    scene = Scene(tmp_path)
    yield scene
    scene.store.close()


def content(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of a file of views."""
    with closing(sqlite3.connect(path)) as db:
        return rows(db)


def test_what_is_recorded_meanwhile_is_in_it(scene: Scene) -> None:
    """Whatever comes while indexes are made, while it catches up and while it is checked; but for next to nothing."""
    for phase in (Phase.INDEXING, Phase.CATCHING_UP, Phase.CHECKING):
        built = build(scene.log, scene.generations, progress=scene.at(phase, lambda: scene.record(200)))
        with closing(connect(built)) as db:
            assert tracking(db).position >= scene.log.head() - NEXT_TO_NOTHING
        assert not built.with_name(f"{built.name}-wal").exists()
        views = Views(built)
        views.apply(scene.log.read(views.tracking.position, 1000))
        views.close()
        assert content(built) == content(build(scene.log, scene.generations))


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("DELETE FROM documents WHERE id = (SELECT max(id) FROM documents)", "each action has its document"),
        ("DELETE FROM actions WHERE id = (SELECT max(id) FROM actions)", "each recording is an action"),
        ("UPDATE terms SET total = total + 1 WHERE field = 'user'", "the totals of the terms of user"),
        ("UPDATE terms SET total = total - 1 WHERE value = 'Success'", "the totals of the terms of state"),
        ("DELETE FROM relationships", "each statement is a relationship"),
        ("UPDATE listed_totals SET total = 0", "the totals below objects"),
        ("UPDATE tracking SET recorded = recorded + 1", "the log has no such event"),
        ("UPDATE tracking SET position = position - 1", "it stands at position"),
    ],
)
def test_views_that_break_a_law_never_answer(scene: Scene, fault: str, words: str) -> None:
    """The old ones do, the error says what was found, and nothing of the new ones is left."""
    good = build(scene.log, scene.generations)
    before = content(good)
    with pytest.raises(Unsound, match=words):
        build(scene.log, scene.generations, progress=scene.at(Phase.CHECKING, lambda: scene.change(fault)))
    assert scene.generations.current() == good
    assert content(good) == before
    assert not list(scene.folder.glob("*.building*"))
    last = scene.generations.builds().last
    assert last is not None
    assert (last.outcome, words in (last.reason or "")) == (Outcome.FAILED, True)


def test_a_broken_page_never_answers(scene: Scene) -> None:
    """What no count sees, SQLite's own check does."""
    good = build(scene.log, scene.generations)

    def break_a_page() -> None:
        (building,) = scene.folder.glob("views-*.building")
        with closing(sqlite3.connect(building)) as db:
            (page,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'ancestry_by_above'").fetchone()
        with building.open("r+b") as file:
            file.seek((page - 1) * 4096)
            file.write(b"\xff" * 4096)

    with pytest.raises(Unsound, match="Page"):
        build(scene.log, scene.generations, progress=scene.at(Phase.CHECKING, break_a_page))
    assert scene.generations.current() == good


def test_an_abandoned_build_leaves_nothing(scene: Scene) -> None:
    """In whatever phase: the old views answer on, and it is told that it came to nothing."""
    good = build(scene.log, scene.generations)
    for phase in (Phase.READING, Phase.CATCHING_UP):
        stop: list[bool] = []

        def abandon(stop: list[bool] = stop) -> None:
            scene.record(NEXT_TO_NOTHING + 1)
            stop.append(True)

        with pytest.raises(BuildAbandoned):
            build(scene.log, scene.generations, partial(bool, stop), scene.at(phase, abandon))
        assert scene.generations.current() == good
        assert not list(scene.folder.glob("*.building*"))
        last = scene.generations.builds().last
        assert last is not None
        assert (last.outcome, last.generation > int(good.stem.partition("-")[2])) == (Outcome.FAILED, True)


def test_everybody_sees_how_it_comes_on(scene: Scene) -> None:
    """While it runs, in each phase; then how it ended. Nobody else may build meanwhile."""
    seen: list[Progress] = []
    elsewhere = Generations(scene.folder)

    def look(_: Progress) -> None:
        running = elsewhere.builds().running
        assert running is not None
        seen.append(running)

    def claim() -> None:
        with pytest.raises(AlreadyBuilding):
            elsewhere.claim()

    built = build(scene.log, scene.generations, progress=look, because="of a test")
    assert list(dict.fromkeys(one.phase for one in seen)) == [
        Phase.READING, Phase.INDEXING, Phase.CATCHING_UP, Phase.CHECKING,
    ]  # fmt: skip
    assert {one.because for one in seen} == {"of a test"}
    assert {one.generation for one in seen} == {int(built.stem.partition("-")[2])}
    assert [one.done for one in seen] == sorted(one.done for one in seen)
    assert seen[-1].done == seen[-1].of == scene.log.head()
    told = elsewhere.builds()
    assert told.running is None
    assert told.last is not None
    assert (told.last.outcome, told.last.reason, told.last.done) == (Outcome.DONE, None, scene.log.head())
    assert told.last.started <= told.last.ended
    build(scene.log, scene.generations, progress=scene.at(Phase.READING, claim))


def test_a_lost_progress_file_does_no_harm(scene: Scene) -> None:
    """Deleted, or filled with anything, it says that nothing is known."""
    build(scene.log, scene.generations)
    path = scene.folder / "views-progress"
    for garbage in (b"", b"\xff\0", b"[]", b'{"running": 5}', b'{"last": {"generation": "x"}}'):
        path.write_bytes(garbage)
        assert scene.generations.builds() == Builds(None, None)
        build(scene.log, scene.generations)
        assert scene.generations.builds().last is not None
    path.unlink()
    assert scene.generations.builds().last is None


def test_no_number_is_used_twice(scene: Scene) -> None:
    """Within a second, and after every file was deleted: the journal of one would be taken for that of the other."""
    numbers = []
    for _ in range(5):
        built = build(scene.log, scene.generations)
        numbers.append(built.name)
        built.unlink()
    assert len(set(numbers)) == 5


def test_what_can_t_be_told_leaves_what_was_told(tmp_path: Path) -> None:
    """On a disk that takes nothing, or only a part, the file is as it was, and nothing else is left beside it."""
    generations, fresh = Generations(tmp_path), tmp_path / "views-progress.new"
    before, after = (Builds(Progress(number, 1, "of a test"), None) for number in (1, 2))
    generations.tell(before)
    fresh.symlink_to("/dev/full")
    generations.tell(after)
    assert list(tmp_path.iterdir()) == [tmp_path / "views-progress"]
    assert read(tmp_path / "views-progress") == before
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20, unlimited[1]))
    try:
        generations.tell(after)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    assert list(tmp_path.iterdir()) == [tmp_path / "views-progress"]
    assert read(tmp_path / "views-progress") == before
