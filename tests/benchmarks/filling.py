"""Stores with many actions, made through the application as any other."""

import random
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from uuid import UUID

from deedbook.domain.audit_log import Order
from deedbook.domain.commands import Finish, RecordAction, StateParent
from deedbook.domain.events import Caller
from deedbook.domain.lifecycle import State
from deedbook.domain.results import Command
from deedbook.domain.store.sqlite import SqliteStore

NAMESPACE = "bench"
STACKS, SERVICES, CONTAINERS = 50, 10, 4
BY = Caller("ann", "203.0.113.7", "docker-cloud/1.0.9")
OPERATIONS = ("Service Scale", "Service Deploy", "Container Start", "Container Stop", "Stack Update", "Node Create")
METHODS = ("POST", "PATCH", "GET")
AGENTS = (str(BY.agent), "go-dockercloud/1.0", "curl/8.5.0", "shipyard-ci/3")

#: Commands that share a transaction, and the next ones are made while it is written.
TOGETHER = 4000


def stack(number: int) -> str:
    """Return the URI of a stack."""
    return f"/api/app/v1/stack/{number:08x}-7c2b-4dd0-9d3c-0a7f3c9b1e55/"


def service(number: int) -> str:
    """Return the URI of a service; ten of them are in a stack."""
    return f"/api/app/v1/service/{number:08x}-1d2e-4a6b-8c4d-5e6f7a8b9c0d/"


def container(number: int) -> str:
    """Return the URI of a container; four of them are in a service."""
    return f"/api/app/v1/container/{number:08x}-9f8e-4d7c-a6b5-c4d3e2f1a0b9/"


def objects() -> list[str]:
    """Return everything that actions apply to."""
    services = STACKS * SERVICES
    return [
        *map(stack, range(STACKS)),
        *map(service, range(services)),
        *map(container, range(services * CONTAINERS)),
    ]


def relationships() -> list[Command]:
    """Return what is below what."""
    services = STACKS * SERVICES
    pairs = [(stack(n // SERVICES), service(n)) for n in range(services)]
    pairs += [(service(n // CONTAINERS), container(n)) for n in range(services * CONTAINERS)]
    return [StateParent(namespace=NAMESPACE, parent=parent, child=child, by=BY) for parent, child in pairs]


def recording(rng: random.Random, number: int, uris: list[str], start: int) -> RecordAction:
    """Return one of many recordings, spread as real ones are: few users and operations, and some objects busier."""
    failed = rng.random() < 0.1
    action = rng.choice(OPERATIONS)
    return RecordAction(
        id=UUID(int=rng.getrandbits(128), version=4),
        namespace=NAMESPACE,
        by=BY,
        action=action,
        method="POST" if action == "Node Create" else rng.choice(METHODS),
        path="/api/app/v1/service/",
        state=State.IN_PROGRESS if rng.random() < 0.5 else State.FAILED if failed else State.SUCCESS,
        object=uris[int(len(uris) * rng.random() ** 4)],
        body='{"target_num_containers": 3}',
        user=f"user{rng.randrange(200)}",
        user_agent=rng.choice(AGENTS),
        ip=f"203.0.113.{rng.randrange(256)}",
        location="New York, USA",
        start=start + number * 1_000_000,
    )


def fill(folder: Path, actions: int) -> SqliteStore:
    """Return a store with so many actions, one in two of them with an end of its own: three events for two actions.

    Those that run take lanes; so that events are as the issue counts them, they are recorded without an object.
    """
    store = SqliteStore(folder / "log.db", queue=10**9)
    rng = random.Random(42)
    uris = objects()
    start = 1_700_000_000_000_000
    giving = _Giving(store)
    giving.give(relationships())
    for first in range(0, actions, TOGETHER):
        commands: list[Command] = []
        for number in range(first, min(first + TOGETHER, actions)):
            command = recording(rng, number, uris, start)
            commands.append(command if command.state is not State.IN_PROGRESS else _without_object(command))
        ends = [
            Finish(id=one.id, namespace=NAMESPACE, by=BY, state=State.SUCCESS)
            for one in commands
            if isinstance(one, RecordAction) and one.state is State.IN_PROGRESS
        ]
        giving.give([*commands, *ends])
    giving.wait()
    return store


def _without_object(command: RecordAction) -> RecordAction:
    fields = {name: getattr(command, name) for name in command.__struct_fields__}
    return RecordAction(**{**fields, "object": ""})


class _Giving:
    """Gives a store commands, one batch ahead of what is recorded."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self._under_way: deque[Future[None]] = deque()

    def give(self, commands: Sequence[Command]) -> None:
        """Submit commands that share a transaction; raises what one before was refused with."""
        done: Future[None] = Future()
        outcomes: list[object] = []

        def deliver(outcome: object) -> None:
            outcomes.append(outcome)
            if len(outcomes) == len(commands):
                failed = [one for one in outcomes if isinstance(one, Exception)]
                done.set_exception(failed[0]) if failed else done.set_result(None)

        self._store.audit_log.submit([Order(command, deliver) for command in commands])
        self._under_way.append(done)
        self.wait(1)

    def wait(self, but: int = 0) -> None:
        """Wait until no more than `but` batches are under way."""
        while len(self._under_way) > but:
            self._under_way.popleft().result()


__all__ = ["NAMESPACE", "fill", "stack"]
