"""What tests let another process do: each function opens the store that is kept in a place, and closes it again."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import closing
from itertools import chain
from threading import Thread
from typing import TypeVar
from uuid import UUID, uuid4

from eventsourcing.persistence import StoredEvent

from deedbook.domain.commands import Once
from deedbook.domain.results import Answer, Command
from tests.contract.engines import Place, Store
from tests.contract.giving import recording, together

Found = TypeVar("Found")


def in_threads(count: int, work: Callable[[int], Found]) -> list[Found]:
    """Do some work in several threads at once; return what each found."""
    futures: list[Future[Found]] = [Future() for _ in range(count)]

    def run(number: int) -> None:
        try:
            futures[number].set_result(work(number))
        except BaseException as error:  # noqa: BLE001  # whoever waits raises it again
            futures[number].set_exception(error)

    threads = [Thread(target=run, args=(number,), daemon=True) for number in range(count)]
    for thread in threads:
        thread.start()
    return [future.result(100) for future in futures]


def write(store: Store, rounds: int) -> list[int]:
    """Record in every way that there is; return the position of the last event of each."""
    positions: list[int] = []
    for _ in range(rounds):
        positions.append(store.audit_log.perform(recording()).position)
        batch = together(store, [recording(uri="/a/", parents=(f"/{uuid4()}/",)) for _ in range(3)])
        positions += [answer.position for answer in batch if isinstance(answer, Answer)]
        positions += store.recorder.insert_events(events(uuid4(), 3)) or ()
    return positions


def events(aggregate: UUID, count: int, first: int = 1) -> Sequence[StoredEvent]:
    """Return events of a made-up topic."""
    return [StoredEvent(aggregate, version, "made.up/1", b"{}") for version in range(first, first + count)]


def write_elsewhere(place: Place, threads: int, rounds: int) -> list[int]:
    """Record from several threads; see `write`."""
    with closing(place.open()) as store:
        return list(chain.from_iterable(in_threads(threads, lambda _: write(store, rounds))))


def follow(place: Place, after: int, count: int) -> list[tuple[int, UUID | str, int]]:
    """Subscribe; return position, aggregate and version of the first events that come."""
    with closing(place.open()) as store, store.recorder.subscribe(gt=after) as subscription:
        found = zip(range(count), subscription, strict=False)
        return [(one.id, one.originator_id, one.originator_version) for _, one in found]


def perform_all(place: Place, commands: Sequence[tuple[Command, Once]]) -> list[Answer | Exception]:
    """Give commands, each in a thread of its own."""
    with closing(place.open()) as store:
        return in_threads(len(commands), lambda number: together(store, [commands[number]])[0])


def insert(place: Place, new: Sequence[StoredEvent]) -> Sequence[int] | None:
    """Insert events through the library's recorder."""
    with closing(place.open()) as store:
        return store.recorder.insert_events(new)
