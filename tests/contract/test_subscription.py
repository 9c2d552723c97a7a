"""The subscription: each event once, in order, whoever recorded it, to whoever follows from wherever."""

from concurrent.futures import Executor, Future
from threading import Thread
from time import sleep
from uuid import UUID, uuid4

import pytest

from tests.contract.elsewhere import events, follow, in_threads, write, write_elsewhere
from tests.contract.engines import Place, Store
from tests.contract.giving import recording

Seen = list[tuple[int, UUID | str, int]]


def stored(store: Store, after: int, count: int) -> Seen:
    """Return what the log itself has: position, aggregate, version."""
    return [(one.position, UUID(bytes=one.aggregate), one.version) for one in store.log.stored(after, count)]


def test_a_follower_gets_each_event_once_and_in_order(
    place: Place, store: Store, other: Store, processes: Executor
) -> None:
    """While several processes record, followers here and in another process get exactly the log."""
    count = 200
    far: Future[Seen] = processes.submit(follow, place, 0, count)
    near: list[Future[Seen]] = [Future() for _ in range(2)]
    for number, future in enumerate(near):
        Thread(
            target=lambda f, n: f.set_result(follow(place, n * 20, count)), args=(future, number), daemon=True
        ).start()
    elsewhere = processes.submit(write_elsewhere, place, 2, 10)
    in_threads(4, lambda number: write((store, other)[number % 2], 10))
    elsewhere.result(100)
    assert far.result(100) == stored(store, 0, count)
    assert [future.result(100) for future in near] == [stored(store, 0, count), stored(store, 20, count)]


def test_what_waits_is_woken(store: Store, other: Store) -> None:
    """A follower that waits at the head gets what is recorded next, in this process or in another."""
    with store.recorder.subscribe(gt=store.log.head()) as subscription:
        for writer in (store, other):
            Thread(target=lambda writer=writer: writer.audit_log.perform(recording())).start()
            assert next(subscription).id == store.log.head()


@pytest.mark.parametrize("after", [None, 0, 1, 7])
def test_it_begins_behind_a_position(store: Store, after: int | None) -> None:
    """`gt` is the last position that is not wanted; None wants them all."""
    write(store, 3)
    with store.recorder.subscribe(gt=after) as subscription:
        assert next(subscription).id == (after or 0) + 1


def test_it_may_be_of_some_topics_only(store: Store) -> None:
    """With topics, only their events come, in order."""
    write(store, 2)
    wanted = [one.position for one in store.log.stored(0, 1000) if one.topic == "made.up/1"]
    with store.recorder.subscribe(gt=0, topics=["made.up/1"]) as subscription:
        assert [next(subscription).id for _ in wanted] == wanted


def test_stopping_ends_one_that_waits(store: Store) -> None:
    """`stop`, called from another thread, ends an iteration that waits for the next event."""
    store.recorder.insert_events(events(uuid4(), 2))
    subscription = store.recorder.subscribe(gt=0)
    seen: list[int] = []
    thread = Thread(target=lambda: seen.extend(one.id for one in subscription), daemon=True)
    thread.start()
    while len(seen) < 2:
        sleep(0.01)
    subscription.stop()
    thread.join(60)
    assert not thread.is_alive()
