"""Whatever is recorded, and whenever a client drops and returns: each event that it may see once, in order.

The WebSocket, server-sent events and pages are read side by side, each from where its own client stood.
"""

import random
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Condition, Thread
from typing import NamedTuple, Protocol
from uuid import uuid5

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deedbook.domain.events import ActionRecorded, ParentEnded, ParentStated
from deedbook.domain.store.sqlite.place import path_of
from deedbook.domain.store.sqlite.reading import SqliteLog
from tests.support.server import Server
from tests.support.sse import Events, telling
from tests.support.websocket import Stream
from tests.web.api.callers import Caller, Json, Tenant
from tests.web.streams.listening import events, finish, head


class Told(NamedTuple):
    """What identifies an event, and where it stands."""

    position: int
    id: str


class Truth:
    """The log of a server, read by this process itself."""

    def __init__(self, path: Path) -> None:
        self._log = SqliteLog(path, Condition())

    def events(self, namespace: str, after: int, *, of_actions: bool = False) -> list[Told]:
        """Return what the holder of a key in a namespace must be told of what stands behind a position."""
        mine = set()
        found = []
        for one in self._log.read(0, 1_000_000):
            event = one.event
            if isinstance(event, ActionRecorded | ParentStated | ParentEnded) and event.namespace == namespace:
                mine.add(one.aggregate)
            is_relationship = isinstance(event, ParentStated | ParentEnded)
            if one.position > after and one.aggregate in mine and not (of_actions and is_relationship):
                found.append(Told(one.position, str(uuid5(one.aggregate, str(one.version)))))
        return found

    def close(self) -> None:
        """Close it."""
        self._log.close()


class Client(Protocol):
    """A way to be told of events; `seen` is all that it was ever told."""

    of_actions: bool
    seen: list[Told]

    def read(self, count: int) -> None:
        """Read so many more, from where it stood."""

    def drop(self) -> None:
        """Hang up."""


class ByWebSocket:
    """Comes back with `after`."""

    of_actions = True

    def __init__(self, server: Server, caller: Caller, after: int) -> None:
        self.seen: list[Told] = []
        self._server = server
        self._caller = caller
        self._after = after
        self._stack = ExitStack()
        self._stream: Stream | None = None

    def read(self, count: int) -> None:
        """See `Client`."""
        if self._stream is None:
            self._stream = self._stack.enter_context(events(self._server, self._caller, f"after={self._after}"))
        for frame in self._stream.frames(count):
            self.seen.append(Told(frame["position"], frame["uuid"]))
            self._after = frame["position"]

    def drop(self) -> None:
        """See `Client`."""
        if self._stream is not None:
            self._stream.vanish()
        self._stack.close()
        self._stream = None


class ByServerSentEvents:
    """Comes back with `Last-Event-ID`, and with the URL that it began with, as browsers do."""

    of_actions = False

    def __init__(self, server: Server, caller: Caller, after: int) -> None:
        self.seen: list[Told] = []
        self._url = f"{server.api}/events/?after={after}"
        self._key = caller.key
        self._last_id: str | None = None
        self._stack = ExitStack()
        self._stream: Events | None = None

    def read(self, count: int) -> None:
        """See `Client`."""
        if self._stream is None:
            self._stream = self._stack.enter_context(telling(self._url, self._key, self._last_id))
        for event in self._stream.events(count):
            self.seen.append(Told(event["position"], event["id"]))
        self._last_id = self._stream.last_id or self._last_id

    def drop(self) -> None:
        """See `Client`."""
        self._stack.close()
        self._stream = None


class ByPages:
    """Goes on with `next`, and behind the head where there is none."""

    of_actions = False

    def __init__(self, caller: Caller, after: int, limit: int) -> None:
        self.seen: list[Told] = []
        self._caller = caller
        self._limit = limit
        self._next = f"/event/?after={after}&limit={limit}"

    def read(self, count: int) -> None:
        """See `Client`: whole pages, until there are so many, or the head is reached."""
        enough, has_more = len(self.seen) + count, True
        while has_more and len(self.seen) < enough:
            told = self._caller.get(self._next).json()
            meta, has_more = told["meta"], told["meta"]["next"] is not None
            self.seen += [Told(event["position"], event["id"]) for event in told["objects"]]
            behind = meta["next"] or f"/event/?after={meta['head']}&limit={self._limit}"
            self._next = behind.removeprefix("/api/audit/v1")

    def drop(self) -> None:
        """See `Client`: there is nothing that it holds."""


class World:
    """What happens in a namespace, beside what happens in another one."""

    def __init__(self, tenant: Tenant, neighbour: Tenant) -> None:
        self._tenant = tenant
        self._neighbour = neighbour
        self._running: list[Json] = []
        self._links: list[tuple[str, str]] = []
        self._number = 0

    def record(self, count: int) -> None:
        """Record actions that run or wait on one object, which gives bookkeeping of its lane between them."""
        lines = [
            {"state": "Pending", "object": "/lane/"} if number % 2 else {"state": "In progress"}
            for number in range(count)
        ]
        self._running += self._tenant.recorder.batch(*lines)

    def end(self, count: int) -> None:
        """End the oldest ones that run."""
        for _ in range(count):
            running = next(
                (one for one in self._running if self._tenant.auditor.fetch(one)["state"] != "Pending"), None
            )
            if running is not None:
                self._running.remove(running)
                finish(self._tenant.recorder, running)

    def relate(self, count: int) -> None:
        """Put objects below others."""
        for _ in range(count):
            self._number += 1
            self._links.append((f"/{self._number}/", f"/{self._number + 1}/"))
            self._tenant.recorder.relate(*self._links[-1])

    def unrelate(self, count: int) -> None:
        """End some of that."""
        for _ in range(min(count, len(self._links))):
            self._tenant.recorder.unrelate(*self._links.pop())

    def others(self, count: int) -> None:
        """Let others record."""
        self._neighbour.recorder.batch(*({"object": "/lane/", "parents": ["/shop/"]} for _ in range(count)))


HAPPENINGS = st.tuples(st.sampled_from(["record", "end", "relate", "unrelate", "others"]), st.integers(1, 4))
READINGS = st.tuples(st.sampled_from(["read", "read", "drop"]), st.integers(0, 2), st.integers(1, 6))


@pytest.fixture
def truth(server: Server) -> Iterator[Truth]:
    """The log of the server."""
    truth = Truth(path_of(server.url))
    yield truth
    truth.close()


@pytest.fixture
def neighbour(tenant: Tenant, server: Server) -> Tenant:
    """Another namespace of the same server."""
    return Tenant(tenant.http, server.key)


def test_each_event_once_in_order(server: Server, tenant: Tenant, neighbour: Tenant, truth: Truth) -> None:
    """For all that happens, and all ways to read a part of it, drop and return: in the end all have all of it."""
    for role in ("auditor", "recorder"):
        tenant.caller(role)
    neighbour.caller("recorder")
    caller = tenant.auditor

    @settings(max_examples=60)
    @given(steps=st.lists(HAPPENINGS | READINGS, max_size=14), limit=st.integers(1, 3))
    def holds(steps: list[tuple[str, int] | tuple[str, int, int]], limit: int) -> None:
        begun = head(caller)
        world = World(tenant, neighbour)
        clients = (
            ByWebSocket(server, caller, begun),
            ByServerSentEvents(server, caller, begun),
            ByPages(caller, begun, limit),
        )
        for step in steps:
            if len(step) == 2:
                getattr(world, step[0])(step[1])
            elif step[0] == "drop":
                clients[step[1]].drop()
            else:
                read(
                    clients[step[1]],
                    truth.events(tenant.namespace, begun, of_actions=clients[step[1]].of_actions),
                    step[2],
                )
        world.record(1)
        for client in clients:
            expected = truth.events(tenant.namespace, begun, of_actions=client.of_actions)
            read(client, expected, len(expected))
            client.drop()
            assert client.seen == expected

    holds()


class Recording:
    """Three who record without a pause, beside a neighbour; it makes so many events: `of_actions`, and `relations`."""

    of_actions = 2 * 12 * 20
    relations = 120

    def __init__(self, recorder: Caller, neighbour: Caller) -> None:
        self._recorder = recorder
        self._neighbour = neighbour
        self._threads = [Thread(target=self._act), Thread(target=self._act), Thread(target=self._relate)]

    def __enter__(self) -> None:
        for thread in self._threads:
            thread.start()

    def __exit__(self, *_: object) -> None:
        for thread in self._threads:
            thread.join()

    def total(self, client: Client) -> int:
        """Return how many events a client is told of."""
        return self.of_actions + (0 if client.of_actions else self.relations)

    def _act(self) -> None:
        for number in range(12):
            actions = self._recorder.batch(*({"state": "In progress", "object": f"/{number}/"} for _ in range(15)))
            for action in actions[:5]:
                finish(self._recorder, action)

    def _relate(self) -> None:
        for number in range(self.relations // 2):
            self._recorder.relate(f"/up/{number}/", "/down/")
            self._neighbour.record(object="/x/")
            self._recorder.unrelate(f"/up/{number}/", "/down/")


@pytest.mark.parametrize("seed", range(3))
def test_while_recording_goes_on(server: Server, tenant: Tenant, neighbour: Tenant, truth: Truth, seed: int) -> None:
    """The same while three record without a pause, at whatever moment a client is cut off."""
    chance = random.Random(seed)
    caller = tenant.auditor
    recording = Recording(tenant.recorder, neighbour.recorder)
    begun = head(caller)
    behind: list[Client] = [
        ByWebSocket(server, caller, begun), ByServerSentEvents(server, caller, begun), ByPages(caller, begun, 7)
    ]  # fmt: skip
    with recording:
        while behind:
            client = chance.choice(behind)
            client.read(min(chance.randint(1, 40), recording.total(client) - len(client.seen)))
            is_done = len(client.seen) == recording.total(client)
            if is_done or chance.random() < 0.7:
                client.drop()
            if is_done:
                assert (
                    client.seen
                    == truth.events(tenant.namespace, begun, of_actions=client.of_actions)[: len(client.seen)]
                )
                behind.remove(client)


def read(client: Client, there: list[Told], most: int) -> None:
    """Let a client read no more than there is."""
    client.read(min(most, max(0, len(there) - len(client.seen))))
