"""The writer and its engine: a race that was lost is run again, and what stands in the way of all is told to all."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from uuid import UUID, uuid4

import pytest
from eventsourcing.persistence import StoredEvent

from deedbook.domain.audit_log import AuditLog
from deedbook.domain.commands import Once
from deedbook.domain.errors import LostRace, StoreFailed
from deedbook.domain.events import Event, LaneEntered
from deedbook.domain.keys import ApiKey
from deedbook.domain.lane import lane_id
from deedbook.domain.lifecycle import State
from deedbook.domain.log import EventLog
from deedbook.domain.output import OutputEnd
from deedbook.domain.results import Answer
from deedbook.domain.session import Batch, Remembered
from deedbook.domain.store.clock import now
from deedbook.domain.store.codec import encode
from deedbook.domain.store.sqlite import SqliteStore
from deedbook.domain.store.sqlite.engine import SqliteEngine
from deedbook.domain.store.sqlite.recorder import LogRecorder
from deedbook.domain.store.writer import TRIES, Head, Turn, Writer
from tests.contract.giving import NAMESPACE, finish, recorded, recording, together


class Wrapped:
    """A turn of the embedded store, as an engine would give it that is not so careful."""

    def __init__(self, turn: Turn) -> None:
        self.turn = turn

    @property
    def head(self) -> Head:
        """See `Turn`."""
        return self.turn.head

    def changed_since(self, position: int) -> Iterable[UUID]:
        """See `Turn`."""
        return self.turn.changed_since(position)

    def events(self, aggregate: UUID, after: int = 0) -> Sequence[Event]:
        """See `Past`."""
        return self.turn.events(aggregate, after)

    def begun(self, aggregates: Sequence[UUID]) -> Iterable[UUID]:
        """See `Past`."""
        return self.turn.begun(aggregates)

    def output_end(self, action: UUID) -> OutputEnd:
        """See `Past`."""
        return self.turn.output_end(action)

    def remembered(self, once: Once) -> Remembered | None:
        """See `Past`."""
        return self.turn.remembered(once)

    def api_key(self, key: UUID) -> ApiKey | None:
        """See `Past`."""
        return self.turn.api_key(key)

    def write(self, batch: Batch) -> None:
        """See `Turn`."""
        self.turn.write(batch)


class Unaware(Wrapped):
    """Is not told what others changed, so that it decides on what it remembers, and the database has to refuse it."""

    def changed_since(self, _position: int) -> Iterable[UUID]:
        """Return nothing."""
        return ()


class Engine:
    """The embedded store's engine, with turns of another kind."""

    def __init__(self, recorder: LogRecorder, kind: type[Wrapped]) -> None:
        self._engine = SqliteEngine(recorder)
        self._kind = kind
        self.turns = 0

    @contextmanager
    def turn(self) -> Iterator[Turn]:
        """See `Engine.turn`."""
        self.turns += 1
        with self._engine.turn() as turn:
            yield self._kind(turn)


class Opened(NamedTuple):
    """What is open beside the store itself: a second writer on it, with an engine of another kind."""

    audit_log: AuditLog
    writer: Writer
    log: EventLog
    recorder: LogRecorder
    engine: Engine

    def close(self) -> None:
        """End the writer."""
        self.writer.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    """A store."""
    store = SqliteStore(tmp_path / "log.db")
    yield store
    store.close()


@contextmanager
def another(store: SqliteStore, kind: type[Wrapped]) -> Iterator[Opened]:
    """Give a second writer on a store."""
    engine = Engine(store.recorder, kind)
    writer = Writer(engine, now)
    writer.start()
    opened = Opened(AuditLog(writer), writer, store.log, store.recorder, engine)
    try:
        yield opened
    finally:
        opened.close()


def entering(uri: str, version: int) -> StoredEvent:
    """Return the event, as bytes, that puts a foreign action into the lane of an object."""
    event = LaneEntered(at=1, namespace=NAMESPACE, object=uri, action=uuid4())
    return StoredEvent(lane_id(NAMESPACE, uri), version, *encode(event))


def test_a_lost_race_is_run_again_on_what_the_winner_left(store: SqliteStore) -> None:
    """Somebody took the version that a command was to write: it is decided again, on the new state, and recorded."""
    with another(store, Unaware) as unaware:
        assert recorded(unaware, recording(State.PENDING, "/a/")).state is State.IN_PROGRESS
        store.recorder.insert_events([entering("/a/", 2)])
        before = unaware.engine.turns
        late, stranger = together(unaware, [recording(State.PENDING, "/a/"), recording()])
        assert unaware.engine.turns == before + 2
    assert isinstance(late, Answer)
    assert isinstance(stranger, Answer)
    assert [one.version for one in store.log.history(lane_id(NAMESPACE, "/a/"))] == [1, 2, 3]
    assert store.log.head() == stranger.position == 2 + 1 + 2 + 1


def test_a_race_may_be_lost_to_a_command_that_changes_the_outcome(store: SqliteStore) -> None:
    """What was decided in vain leaves no trace: run again, an action waits that would have started."""
    with another(store, Unaware) as unaware:
        first = recorded(unaware, recording(State.PENDING, "/a/"))
        recorded(unaware, finish(first.id))
        assert recorded(store, recording(State.PENDING, "/a/")).state is State.IN_PROGRESS
        assert recorded(unaware, recording(State.PENDING, "/a/")).state is State.PENDING


class Loser(Wrapped):
    """Loses each race."""

    def write(self, _batch: Batch) -> None:
        """Write nothing."""
        raise LostRace


def test_races_are_run_a_few_times_only(store: SqliteStore) -> None:
    """A command that loses again and again is refused, nothing of it is recorded, and the writer lives on."""
    with another(store, Loser) as loser:
        for attempt in (1, 2):
            (outcome,) = together(loser, [recording()])
            assert isinstance(outcome, LostRace)
            assert loser.engine.turns == attempt * TRIES
    assert store.log.head() == 0


class Full(Wrapped):
    """Can't be written while its disk is full."""

    is_full = True

    def write(self, batch: Batch) -> None:
        """Write half of it, and find no room for the rest."""
        super().write(batch)
        if self.is_full:
            raise StoreFailed("The disk is full.")


def test_what_stands_in_the_way_of_all_is_told_to_all(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the store can't be written every command is told why, nothing is half done, and then it goes on."""
    with another(store, Full) as full:
        outcomes = together(full, [recording(State.IN_PROGRESS, "/a/"), recording(), finish(uuid4())])
        assert [type(one) for one in outcomes] == [StoreFailed] * 3
        assert store.log.head() == 0
        monkeypatch.setattr(Full, "is_full", False)
        assert recorded(full, recording(State.PENDING, "/a/")).state is State.IN_PROGRESS
    assert [one.version for one in store.log.read(0, 10)] == [1, 1]


class Broken(Wrapped):
    """Fails in a way that nobody thought of."""

    def write(self, _batch: Batch) -> None:
        """Raise what no engine should."""
        raise ZeroDivisionError


def test_the_writer_outlives_whatever_happens(store: SqliteStore) -> None:
    """An error that nobody thought of is delivered to who waits, and the next command is taken."""
    with another(store, Broken) as broken:
        for _ in range(2):
            assert [type(one) for one in together(broken, [recording(), recording()])] == [ZeroDivisionError] * 2
    assert store.log.head() == 0
