"""Stores with many actions, made through the application as any other."""

import random
from concurrent.futures import Future
from pathlib import Path
from uuid import UUID

from deedbook.domain.commands import Finish, RecordAction
from deedbook.domain.events import Caller
from deedbook.domain.lifecycle import State
from deedbook.domain.results import Command
from deedbook.domain.store.sqlite import SqliteStore
from tests.support.giving import give, given
from tests.support.objects import objects, relationships

NAMESPACE = "bench"
BY = Caller("ann", "203.0.113.7", "docker-cloud/1.0.9")
OPERATIONS = ("Service Scale", "Service Deploy", "Container Start", "Container Stop", "Stack Update", "Node Create")
METHODS = ("POST", "PATCH", "GET")
AGENTS = (str(BY.agent), "go-dockercloud/1.0", "curl/8.5.0", "shipyard-ci/3")

#: Commands that share a transaction, and the next ones are made while it is written.
TOGETHER = 4000


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
    rng = random.Random(42)
    uris = objects()
    start = 1_700_000_000_000_000
    # The clock goes with what is recorded: each of these starts a second after the other, and ends within two hours.
    clock = [start]
    store = SqliteStore(folder / "log.db", clock=lambda: clock[0], queue=10**9)
    give(store.audit_log, relationships(NAMESPACE, BY))
    before: Future[None] | None = None
    for first in range(0, actions, TOGETHER):
        clock[0] = start + (first + TOGETHER) * 1_000_000
        commands: list[Command] = []
        for number in range(first, min(first + TOGETHER, actions)):
            command = recording(rng, number, uris, start)
            commands.append(command if command.state is not State.IN_PROGRESS else _without_object(command))
        ends = [
            Finish(id=one.id, namespace=NAMESPACE, by=BY, state=State.SUCCESS)
            for one in commands
            if isinstance(one, RecordAction) and one.state is State.IN_PROGRESS
        ]
        under_way = given(store.audit_log, [*commands, *ends])
        if before is not None:
            before.result()
        before = under_way
    if before is not None:
        before.result()
    return store


def _without_object(command: RecordAction) -> RecordAction:
    fields = {name: getattr(command, name) for name in command.__struct_fields__}
    return RecordAction(**{**fields, "object": ""})
