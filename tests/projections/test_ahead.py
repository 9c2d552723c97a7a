"""Other processes read ahead of a build: what comes of it is the same, and however one ends, the build ends too."""

import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from functools import partial
from itertools import islice, pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deedbook.domain.errors import StoreFailed
from deedbook.domain.log import EventLog, Happened
from deedbook.domain.results import Command
from deedbook.domain.store.sqlite import SqliteStore
from deedbook.domain.store.sqlite.reading import SqliteLog
from deedbook.domain.testing import command_sequences, live
from deedbook.projections import ahead
from deedbook.projections.ahead import BATCH, READERS, Ahead, Share, batches, weight
from deedbook.projections.generations import Generations
from deedbook.projections.progress import Outcome, Phase, Progress
from deedbook.projections.rebuild import AHEAD, BuildAbandoned, build
from deedbook.projections.view import connect, tracking
from tests.benchmarks.filling import fill
from tests.faults.ledger import wait_for
from tests.support.ended import has_ended
from tests.support.tables import rows

#: A log of several batches.
ACTIONS = 6000


class OpenedSo(SqliteLog):
    """A log that another process opens in a way of its own."""

    def __init__(self, path: Path, reopen: Callable[[], EventLog]) -> None:
        super().__init__(path)
        self._reopen = reopen

    def elsewhere(self) -> Callable[[], EventLog]:  # type: ignore[override]  # not an SqliteLog for sure
        """Return that way."""
        return self._reopen


class _Ended(SqliteLog):
    """A log as it was when it ended at a position."""

    def __init__(self, log: EventLog, head: int) -> None:
        self._whole, self._end = log, head

    def read(self, after: int, limit: int) -> Sequence[Happened]:
        """Read up to there."""
        return self._whole.read(after, min(limit, self._end - after)) if after < self._end else []


@pytest.fixture(scope="module")
def log_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of several batches, that no test changes."""
    folder = tmp_path_factory.mktemp("long")
    fill(folder, ACTIONS).close()
    return folder / "log.db"


@pytest.fixture
def log(log_file: Path) -> Iterator[SqliteLog]:
    """The same, open."""
    with closing(SqliteLog(log_file)) as log:
        assert log.head() > 2 * BATCH
        yield log


@pytest.fixture
def generations(tmp_path: Path) -> Generations:
    """A folder for its views."""
    return Generations(tmp_path)


def content(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of a file of views."""
    with closing(sqlite3.connect(path)) as db:
        return rows(db)


def children() -> list[int]:
    """Return the processes that this one has started, and that have not ended."""
    tasks = Path("/proc/self/task").glob("*/children")
    found: list[int] = []
    for task in tasks:
        # A thread may end while it is looked at.
        with suppress(FileNotFoundError, ProcessLookupError):
            found.extend(int(pid) for pid in task.read_text().split())
    return found


def reading(do: Callable[[], object]) -> Callable[[Progress], None]:
    """Return what a build tells its progress, which does something as soon as some events are folded."""
    done: list[object] = []

    def told(progress: Progress) -> None:
        if progress.phase is Phase.READING and progress.done and not done:
            done.append(do())

    return told


def test_several_processes_make_the_same_views_as_one(log: SqliteLog, generations: Generations) -> None:
    """Row for row, of a log of several batches."""
    alone = content(build(log, generations, ahead=10**9))
    assert content(build(log, generations, ahead=0)) == alone


@settings(max_examples=10)
@given(history=command_sequences())
def test_whatever_happened(history: list[Command]) -> None:
    """The same of any history: nothing that a log may hold is lost on the way between the two."""
    with tempfile.TemporaryDirectory() as name:
        store = SqliteStore(Path(name) / "log.db")
        live(store.audit_log, history)
        alone = content(build(store.log, Generations(Path(name)), ahead=10**9))
        together = content(build(store.log, Generations(Path(name)), ahead=0))
        store.close()
        assert together == alone


@given(of=st.integers(1, 5), head=st.integers(0, 3 * BATCH + 100))
@settings(max_examples=10)
def test_shares_hold_the_whole_log(log_file: Path, of: int, head: int) -> None:
    """Each event is in one share, in order, and each share has the stretches that are its own, however long the log."""
    with closing(SqliteLog(log_file)) as log:
        ended = _Ended(log, min(head, log.head()))
        shares = [list(batches(ended, Share(number, of))) for number in range(of)]
    for number, share in enumerate(shares):
        assert all((batch.position - 1) // BATCH % of == number for batch in share)
    leaves = sorted((batch.position, list(batch.leaves)) for share in shares for batch in share)
    with closing(SqliteLog(log_file)) as log:
        whole = [one.leaf for one in log.read(0, log.head())][: min(head, log.head())]
    assert [leaf for _, several in leaves for leaf in several] == whole


def test_what_weighs_much_comes_in_small_batches(log: SqliteLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """After one that weighs too much the next has fewer events, so memory is bounded; and none is left out."""
    monkeypatch.setattr(ahead, "WEIGHT", 100_000)
    found = list(batches(log))
    assert found[-1].position == log.head() == sum(sum(batch.topics.values()) for batch in found)
    pairs = [(before, after) for before, after in pairwise(found[:-1]) if weight(before) > 100_000]
    assert len(pairs) > 2
    assert all(sum(after.topics.values()) < sum(before.topics.values()) for before, after in pairs)


def test_only_a_long_log_is_read_ahead(log: SqliteLog, generations: Generations) -> None:
    """For a short one it would take longer to start processes."""
    before, seen = set(children()), []
    build(log, generations, progress=reading(lambda: seen.append(set(children()) - before)))
    assert log.head() < AHEAD
    build(log, generations, ahead=log.head(), progress=reading(lambda: seen.append(set(children()) - before)))
    assert [len(started) for started in seen] == [0, READERS]
    assert set(children()) <= before


def test_an_event_that_cannot_be_read_ends_both_alike(log_file: Path, tmp_path: Path) -> None:
    """The views stand before it and say so; nothing behind it is in them."""
    spoilt = tmp_path / "log.db"
    with closing(sqlite3.connect(log_file)) as whole, closing(sqlite3.connect(spoilt)) as copy:
        whole.backup(copy)
        for (trigger,) in copy.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            copy.execute(f"DROP TRIGGER {trigger}")
        copy.execute("UPDATE events SET topic = 'action.recorded/9' WHERE position = ?", (BATCH + 7,))
        copy.commit()
    with closing(SqliteLog(spoilt)) as log:
        alone = build(log, Generations(tmp_path), ahead=10**9)
        before = content(alone)
        together = build(log, Generations(tmp_path), ahead=0)
    assert content(together) == before
    with closing(connect(together)) as db:
        at = tracking(db)
    assert (at.position, at.stopped_at) == (BATCH + 6, BATCH + 7)


@pytest.mark.parametrize("number", range(READERS))
@pytest.mark.parametrize("signal_", [signal.SIGKILL, signal.SIGTERM])
def test_a_build_fails_when_a_reader_is_killed(
    log: SqliteLog, generations: Generations, signal_: signal.Signals, number: int
) -> None:
    """It says so in a sentence, and the old views answer on: never are views made of half a log."""
    good = build(log, generations)
    others = set(children())

    def kill() -> None:
        os.kill(sorted(set(children()) - others)[number], signal_)

    with pytest.raises(StoreFailed, match=f"A process that reads the log ended with status -{signal_.value}; see to"):
        build(log, generations, ahead=0, progress=reading(kill))
    assert generations.current() == good
    assert not list(generations.folder.glob("*.building*"))
    last = generations.builds().last
    assert last is not None
    assert (last.outcome, "ended with status" in (last.reason or "")) == (Outcome.FAILED, True)


@pytest.mark.parametrize(
    ("reopen", "words"),
    [
        (partial(sys.exit, 3), "A process that reads the log ended with status 3"),
        (partial(SqliteLog, Path(os.devnull)), "The log can't be read now"),
    ],
    ids=["a process that dies at once", "a log that it can't read"],
)
def test_a_reader_that_comes_to_nothing(
    log_file: Path, generations: Generations, reopen: Callable[[], EventLog], words: str
) -> None:
    """The build fails at once, and says why."""
    with closing(OpenedSo(log_file, reopen)) as log, pytest.raises(StoreFailed, match=words):
        build(log, generations, ahead=0)
    assert generations.current() is None


def test_no_process_can_be_started(log: SqliteLog, generations: Generations, monkeypatch: pytest.MonkeyPatch) -> None:
    """The build says so; no descriptor is left open."""
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(StoreFailed, match="No process can be started that reads the log"):
        build(log, generations, ahead=0)
    assert len(list(Path("/proc/self/fd").iterdir())) <= before


def test_a_build_that_is_abandoned_does_not_wait_for_its_readers(log: SqliteLog, generations: Generations) -> None:
    """Not even for those that were stopped in their tracks; and they are gone as well."""
    others, stopped = set(children()), []

    def stop() -> None:
        for reader in set(children()) - others:
            os.kill(reader, signal.SIGSTOP)
            stopped.append(reader)

    with pytest.raises(BuildAbandoned):
        build(log, generations, lambda: bool(stopped), ahead=0, progress=reading(stop))
    assert set(children()) <= others


def test_readers_wait_for_their_batches_to_be_taken(log: SqliteLog) -> None:
    """What they have read beyond that is bounded: they end by themselves when nobody takes any more."""
    others = set(children())
    with Ahead(log.elsewhere()) as reading_ahead:
        readers = set(children()) - others
        taken = list(islice(reading_ahead.batches(lambda: False), 1))
        assert taken == list(islice(batches(log), 1))
        assert not any(map(has_ended, readers))
        reading_ahead.let_go()
        wait_for(lambda: all(map(has_ended, readers)), "the readers to end")


BUILDER = """
import sys, time
from pathlib import Path
from deedbook.domain.store.sqlite.reading import SqliteLog
from deedbook.projections.generations import Generations
from deedbook.projections.rebuild import build

def told(progress):
    if progress.done:
        print("reading", flush=True)
        time.sleep(3600)

build(SqliteLog(Path(sys.argv[1])), Generations(Path(sys.argv[2])), ahead=0, progress=told)
"""


def test_readers_end_with_their_builder(log_file: Path, generations: Generations) -> None:
    """However that died; and the next build finds nothing that is in its way."""
    builder = subprocess.Popen(
        [sys.executable, "-c", BUILDER, str(log_file), str(generations.folder)], stdout=subprocess.PIPE
    )
    with builder:
        assert builder.stdout is not None
        assert builder.stdout.readline() == b"reading\n"
        readers = [int(pid) for pid in Path(f"/proc/{builder.pid}/task/{builder.pid}/children").read_text().split()]
        assert len(readers) == READERS
        builder.kill()
    wait_for(lambda: all(map(has_ended, readers)), "the readers to end")
    with closing(SqliteLog(log_file)) as log:
        built = build(log, generations, ahead=0)
    assert list(generations.folder.glob("views-*.*")) == [built]
