"""How the log is read: pages, the history of one aggregate, dates, and what happens at an event that can't be read."""

from functools import partial
from itertools import accumulate, count, pairwise
from threading import Thread
from time import sleep
from uuid import uuid4

import pytest
from eventsourcing.persistence import StoredEvent
from hypothesis import given as for_all
from hypothesis import strategies as st

from deedbook.domain.errors import Undecodable
from deedbook.domain.events import ActionRecorded
from deedbook.domain.lifecycle import State
from deedbook.domain.store.codec import encode
from deedbook.domain.store.leaf import leaf
from tests.contract.elsewhere import events
from tests.contract.engines import Place, Store
from tests.contract.giving import finish, recorded, recording
from tests.support.shared import shared


@pytest.fixture
def written(store: Store) -> Store:
    """A store with a few actions in it: twelve events."""
    for number in range(4):
        action = recorded(store, recording(State.IN_PROGRESS, f"/{number % 2}/", parents=("/above/",)))
        if number:
            recorded(store, finish(action.id))
    return store


@shared()
@for_all(after=st.integers(0, 25), limit=st.integers(0, 25))
def test_a_page_is_what_stands_behind_a_position(written: Store, after: int, limit: int) -> None:
    """`read` and `stored` give up to so many events behind a position, in order, and say the same of each."""
    everything = written.log.stored(0, 1000)
    page = written.log.stored(after, limit)
    assert page == everything[after : after + limit]
    told = [(one.position, one.aggregate.bytes, one.version, one.recorded) for one in written.log.read(after, limit)]
    assert told == [(one.position, one.aggregate, one.version, one.recorded) for one in page]


def test_events_are_stored_under_their_topic_with_their_leaf(written: Store) -> None:
    """What is stored is the event's topic and bytes, and the leaf over the whole row."""
    happened = written.log.read(0, 1000)
    for one, stored in zip(happened, written.log.stored(0, 1000), strict=True):
        assert (stored.topic, stored.state) == encode(one.event)
        position, version, recorded_ = one.position, one.version, one.recorded
        assert stored.leaf == leaf(position, one.aggregate, version, stored.topic, recorded_, stored.state)


def test_the_history_of_an_aggregate_is_its_part_of_the_log(written: Store) -> None:
    """`history` gives the events of one aggregate, all or the first few, in order; of an unknown one none."""
    happened = written.log.read(0, 1000)
    for aggregate in {one.aggregate for one in happened}:
        assert list(written.log.history(aggregate)) == [one for one in happened if one.aggregate == aggregate]
        assert list(written.log.history(aggregate, 1)) == list(written.log.history(aggregate))[:1]
    assert list(written.log.history(uuid4())) == []


def test_the_head_and_its_date(written: Store) -> None:
    """`head` is the last position, `recorded` the date of any, None where there is no event."""
    everything = written.log.stored(0, 1000)
    assert written.log.head() == len(everything) > 10
    assert [written.log.recorded(one.position) for one in everything] == [one.recorded for one in everything]
    assert written.log.recorded(0) is None
    assert written.log.recorded(len(everything) + 1) is None


def test_an_empty_log(store: Store) -> None:
    """A new store has head 0 and nothing to read."""
    assert (store.log.head(), store.log.output_head()) == (0, 0)
    assert not store.log.read(0, 10)
    assert not store.log.new_output(0, 10)
    assert not store.log.api_keys()


@shared(30)
@for_all(offsets=st.lists(st.integers(-1000, 1000), min_size=1, max_size=12))
def test_dates_never_go_back(place: Place, offsets: list[int]) -> None:
    """The recorded date is the later of now and the last one, also for events of the library, also after a restart."""
    store = place.open(lambda: 1_000_000)
    last = store.log.recorded(store.audit_log.perform(recording()).position) or 0
    before = store.log.head()
    expected = list(accumulate((last + offset for offset in offsets), max, initial=last))
    for number, offset in enumerate(offsets):
        store.close()
        store = place.open(partial(int, last + offset))
        if number % 2:
            store.recorder.insert_events(events(uuid4(), 1))
        else:
            store.audit_log.perform(recording())
    stored = store.log.stored(before, 1000)
    store.close()
    assert [one.recorded for one in stored] == expected[1:]


def test_an_event_carries_the_date_at_which_it_was_recorded(place: Place) -> None:
    """What happens in a transaction happens at its recorded date, which is not that of a clock that went back."""
    ticks = count(1000, -100)
    store = place.open(lambda: next(ticks))
    for _ in range(3):
        store.audit_log.perform(recording(State.IN_PROGRESS, "/a/"))
    happened = store.log.read(0, 100)
    store.close()
    assert {(one.recorded, one.event.at) for one in happened} == {(1000, 1000)}
    assert all(one.event.start == 1000 for one in happened if isinstance(one.event, ActionRecorded))


def test_reading_stops_before_an_event_that_cannot_be_read(written: Store, other: Store) -> None:
    """`read` gives what stands before it, then raises with its position; `stored` and recording go on."""
    head = written.log.head()
    unknown = uuid4()
    written.recorder.insert_events(events(unknown, 1))
    after = recorded(other, recording())
    assert [one.position for one in written.log.read(head - 2, 10)] == [head - 1, head]
    with pytest.raises(Undecodable, match=r"made\.up/1") as caught:
        written.log.read(head, 10)
    assert caught.value.position == head + 1
    with pytest.raises(Undecodable):
        written.log.history(unknown)
    assert [one.position for one in written.log.stored(head, 10)] == [head + 1, head + 2]
    assert [one.aggregate for one in written.log.read(head + 1, 10)] == [after.id]


#: Events of topics that are known, which nobody can take in.
MONSTROUS = {
    "nested too deep": b'{"at":1,"state":"Success","by":{},"more":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "a number too long": b'{"at":1,"state":"Success","by":{},"lines":100000000000000000000000000000}',
    "a date too far": b'{"at":100000000000000000000000000000,"state":"Success","by":{}}',
}


@pytest.mark.parametrize("what", sorted(MONSTROUS))
def test_an_event_that_is_monstrous_cannot_be_read(store: Store, what: str) -> None:
    """Whoever reads it, or gives its action a command, is told its position, as of any other that can't be read."""
    action = recorded(store, recording(State.IN_PROGRESS))
    store.recorder.insert_events([StoredEvent(action.id, 2, "action.ended/1", MONSTROUS[what])])
    for read in (
        lambda: store.log.read(1, 10),
        lambda: store.log.history(action.id),
        lambda: recorded(store, finish(action.id)),
    ):
        with pytest.raises(Undecodable, match=r"action\.ended/1") as caught:
            read()
        assert caught.value.position == 2
    assert store.audit_log.perform(recording()).position == 3


def test_waiting_ends_when_something_was_recorded(store: Store, other: Store) -> None:
    """`wait` returns True once the head is behind a position, whoever recorded it, and False when time is up."""
    assert not store.log.wait(0, 0.05)
    for writer in (store, other):
        head = store.log.head()
        thread = Thread(target=lambda writer=writer: writer.audit_log.perform(recording()))
        thread.start()
        assert store.log.wait(head, 60)
        thread.join()
        assert store.log.head() == head + 1


def test_changes_tells_that_something_was_committed(store: Store, other: Store) -> None:
    """`changes` differs after each commit: of this process at once, of another when it is heard of, and only then."""
    numbers = [store.log.changes()]
    for writer in (store, other, store):
        writer.audit_log.perform(recording())
        while writer is other and store.log.changes() == numbers[-1]:
            sleep(0.01)
        numbers.append(store.log.changes())
    assert all(before != after for before, after in pairwise(numbers))
    # Long enough for whatever is heard twice; were it too short, the test would only see less.
    sleep(0.3)
    assert store.log.changes() == numbers[-1]
