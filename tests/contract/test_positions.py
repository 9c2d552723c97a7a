"""Positions and versions: gapless, in the order of commit, whoever records; and no answer before what it tells of."""

from concurrent.futures import Executor
from itertools import chain
from threading import Event, Thread
from uuid import uuid4

import pytest
from eventsourcing.persistence import IntegrityError

from deedbook.domain.audit_log import Order
from deedbook.domain.results import Answer
from tests.contract.elsewhere import events, in_threads, insert, write, write_elsewhere
from tests.contract.engines import Place, Store
from tests.contract.giving import recording


class Watcher:
    """Reads on and on behind the last position that it saw, while others write."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._stop = Event()
        self.seen: list[int] = []
        self.heads: list[int] = []
        self._thread = Thread(target=self._watch)
        self._thread.start()

    def _watch(self) -> None:
        is_last = False
        while not is_last:
            is_last = self._stop.is_set()
            self.heads.append(self._store.log.head())
            self.seen += [event.position for event in self._store.log.stored(len(self.seen), 1000)]

    def stop(self) -> None:
        """Read what is left, and end."""
        self._stop.set()
        self._thread.join()


def test_positions_have_no_gap_and_come_in_order_of_commit(
    place: Place, store: Store, other: Store, processes: Executor
) -> None:
    """However many threads and processes write, a reader that has seen position n has seen all before it."""
    watcher = Watcher(other)
    elsewhere = [processes.submit(write_elsewhere, place, 2, 8) for _ in range(2)]
    mine = in_threads(3, lambda number: write((store, other)[number % 2], 8))
    answered = list(chain(*mine, *(future.result(100) for future in elsewhere)))
    watcher.stop()
    head = store.log.head()
    assert watcher.seen == list(range(1, head + 1))
    assert watcher.heads == sorted(watcher.heads)
    assert len(set(answered)) == len(answered), "two were given the same position"
    assert max(answered) == head


def test_versions_have_no_gap(place: Place, store: Store, processes: Executor) -> None:
    """The versions of each aggregate are 1, 2, 3, … in order of position, whoever wrote them."""
    elsewhere = [processes.submit(write_elsewhere, place, 2, 4) for _ in range(2)]
    write(store, 4)
    for future in elsewhere:
        future.result(100)
    versions: dict[bytes, int] = {}
    for event in store.log.stored(0, 10_000):
        assert event.version == versions.get(event.aggregate, 0) + 1
        versions[event.aggregate] = event.version
    assert max(versions.values()) > 20, "no aggregate was shared"


def test_a_version_is_taken_once(store: Store, other: Store, place: Place, processes: Executor) -> None:
    """Of an aggregate's version there is one event, and whoever comes second records nothing at all."""
    aggregate = uuid4()
    store.recorder.insert_events(events(aggregate, 2))
    with pytest.raises(IntegrityError):
        other.recorder.insert_events([*events(uuid4(), 1), *events(aggregate, 2, first=2)])
    with pytest.raises(IntegrityError):
        processes.submit(insert, place, events(aggregate, 1)).result(100)
    twice = events(uuid4(), 1)
    with pytest.raises(IntegrityError):
        store.recorder.insert_events([*twice, *twice])
    assert [(event.aggregate, event.version) for event in other.log.stored(0, 10)] == [
        (aggregate.bytes, 1),
        (aggregate.bytes, 2),
    ]


def test_racing_for_a_version_has_one_winner(store: Store, other: Store) -> None:
    """Threads that insert the same version at once: one wins, the others hear of it."""
    aggregate = uuid4()

    def race(number: int) -> bool:
        try:
            (store, other)[number % 2].recorder.insert_events(events(aggregate, 1))
        except IntegrityError:
            return False
        return True

    assert sum(in_threads(8, race)) == 1
    assert store.log.head() == 1


def test_an_answer_comes_after_the_commit(store: Store, other: Store) -> None:
    """When a command is answered, another reader of the same store has what it recorded."""
    seen: list[tuple[int, int]] = []

    def deliver(outcome: Answer | Exception) -> None:
        assert isinstance(outcome, Answer)
        seen.append((outcome.position, other.log.head()))

    def give(_: int) -> None:
        for _ in range(10):
            store.audit_log.submit([Order(recording(), deliver)])
        store.audit_log.perform(recording())

    in_threads(4, give)
    assert len(seen) == 40
    assert all(head >= position for position, head in seen)


def test_a_store_goes_on_where_it_was(place: Place, store: Store) -> None:
    """Closed and opened again, a store has what it had, and the next position follows."""
    write(store, 2)
    before = store.log.stored(0, 1000)
    store.close()
    again = place.open()
    assert again.log.stored(0, 1000) == before
    assert again.audit_log.perform(recording()).position == len(before) + 1
    again.close()
