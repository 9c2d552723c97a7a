"""Lanes under races: whoever records, finishes and cancels on one object, what waits starts one by one, in order."""

from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import closing
from functools import partial
from random import Random
from uuid import UUID

import msgspec
import pytest

from deedbook.domain.commands import Finish, RequestCancel
from deedbook.domain.errors import Refused
from deedbook.domain.events import ActionStarted, Caller
from deedbook.domain.lifecycle import State
from deedbook.domain.log import EventLog, Happened
from tests.contract.elsewhere import in_threads
from tests.contract.engines import Place, Store
from tests.contract.giving import BY, cancel, finish, recorded, recording
from tests.contract.replay import Replay

BOB = Caller("bob", "192.0.2.2", "another")


def everything(log: EventLog) -> list[Happened]:
    """Return the whole log."""
    return list(log.read(0, 100_000))


def work(store: Store, uri: str, states: list[State], rounds: int, seed: int) -> None:
    """Record on an object, and end or cancel what this worker recorded before, in an order of its own."""
    random, mine = Random(seed), []
    for _ in range(rounds):
        mine.append(recorded(store, recording(random.choice(states), uri)).id)
        for action in random.sample(mine, min(2, len(mine))):
            try:
                recorded(store, cancel(action) if random.random() < 0.25 else finish(action))
            except Refused:
                continue
    while mine:
        mine = [action for action in mine if not has_ended(store, action)]
        store.log.wait(store.log.head(), 0.01)


def has_ended(store: Store, action: UUID) -> bool:
    """End an action if it runs; tell whether it has ended."""
    try:
        recorded(store, finish(action))
    except Refused:
        return store.log.history(action)[-1].event.TOPIC == "action.ended/1"
    return True


def work_elsewhere(place: Place, uri: str, states: list[State], rounds: int, seed: int) -> None:
    """Do the same from two threads of another process."""
    with closing(place.open()) as store:
        in_threads(2, lambda number: work(store, uri, states, rounds, seed + number))


@pytest.mark.parametrize(
    "states",
    [[State.PENDING], [State.PENDING, State.PENDING, State.IN_PROGRESS]],
    ids=["only waiting ones", "some that run at once"],
)
def test_racing_processes_keep_the_order(
    place: Place, store: Store, other: Store, processes: Executor, states: list[State]
) -> None:
    """The log of a race, replayed, breaks no rule: one at a time is started, in order of arrival, and all are."""
    elsewhere = [processes.submit(work_elsewhere, place, "/a/", states, 8, seed) for seed in (10, 20)]
    in_threads(4, lambda number: work((store, other)[number % 2], "/a/", states, 8, number))
    for future in elsewhere:
        future.result(100)
    replay = Replay().read(everything(store.log))
    assert len(replay.states) == 8 * 8
    assert replay.started, "none ever waited"
    assert not any(replay.running.values()), "something still runs"
    assert not any(replay.waiting.values()), "something still waits"
    if State.IN_PROGRESS not in states:
        assert replay.most_running == 1, "two ran at once"


def test_lanes_of_different_objects_are_different(store: Store) -> None:
    """What waits on one object waits for nothing on another, nor in another namespace, nor without an object."""
    pending = partial(recording, State.PENDING)
    assert recorded(store, pending("/a/")).state is State.IN_PROGRESS
    assert recorded(store, pending("/a/")).state is State.PENDING
    assert recorded(store, pending("/b/")).state is State.IN_PROGRESS
    assert recorded(store, pending("/a/", namespace="other")).state is State.IN_PROGRESS
    assert [recorded(store, pending("")).state for _ in range(2)] == [State.IN_PROGRESS] * 2


def test_the_end_of_one_starts_the_next_in_the_same_transaction(store: Store) -> None:
    """The events that end an action and start the next stand side by side, under one date."""
    first, second = (recorded(store, recording(State.PENDING, "/a/")).id for _ in range(2))
    before = store.log.head()
    recorded(store, finish(first))
    topics = [one.event.TOPIC for one in store.log.read(before, 10)]
    assert topics == ["action.ended/1", "lane.left/1", "lane.started/1", "action.started/2"]
    assert len({one.recorded for one in store.log.read(before, 10)}) == 1
    assert store.log.history(second)[-1].event.TOPIC == "action.started/2"


@pytest.mark.parametrize("end", [finish, cancel])
def test_who_made_room_is_on_the_event_of_what_starts(
    store: Store, end: Callable[[UUID], Finish | RequestCancel]
) -> None:
    """Whoever gave the command that emptied the lane is who started the next there, not whoever recorded that."""
    first = recorded(store, recording(State.PENDING, "/a/")).id
    waiting = [recorded(store, recording(State.PENDING, "/a/")).id for _ in range(2)]
    command = msgspec.structs.replace(end(first), by=BOB)
    recorded(store, command)
    if end is cancel:
        recorded(store, finish(first, State.CANCELED))
    started = store.log.history(waiting[0])[-1].event
    assert isinstance(started, ActionStarted)
    assert (started.by, started.after) == (BY if end is cancel else BOB, first)
    assert len(store.log.history(waiting[1])) == 1
