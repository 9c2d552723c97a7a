"""A client that drops and comes back with `after` has everything once, in order: no gap, no repeat."""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from threading import Thread

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.server import Server
from tests.support.websocket import Frame, Stream
from tests.web.api.callers import Caller, Tenant
from tests.web.streams.listening import append, events, finish, head, output, running

#: What happens: so many more are recorded, the oldest that runs ends, so many are read, the client goes with or
#: without a word (and comes back when it reads next).
STEPS = st.lists(
    st.tuples(st.sampled_from(["record", "read"]), st.integers(1, 5))
    | st.tuples(st.sampled_from(["finish", "leave", "vanish"]), st.just(1)),
    max_size=12,
)


class Reader:
    """A client that comes and goes; `seen` is all that it was ever sent."""

    def __init__(self, opened: Callable[[int], AbstractContextManager[Stream]], number: str, after: int) -> None:
        self.seen: list[Frame] = []
        self._opened = opened
        self._number = number
        self._after = after
        self._stack = ExitStack()
        self._stream: Stream | None = None

    def read(self, count: int) -> None:
        """Read so many frames, from where the last ones ended."""
        if self._stream is None:
            self._stream = self._stack.enter_context(self._opened(self._after))
        for _ in range(count):
            self.seen.append(self._stream.frame())
            self._after = self.seen[-1][self._number]

    def leave(self) -> None:
        """Close the stream as a polite client does."""
        self._stack.close()
        self._stream = None

    def vanish(self) -> None:
        """Be killed."""
        if self._stream is not None:
            self._stream.vanish()
        self.leave()


class EventsModel:
    """What was recorded, and the changes that a follower must have seen of it."""

    def __init__(self, recorder: Caller) -> None:
        self.changes: list[tuple[str, str]] = []
        self._recorder = recorder
        self._running: list[dict[str, str]] = []

    def record(self, count: int) -> None:
        """Record actions that run."""
        for action in self._recorder.batch(*({"state": "In progress"} for _ in range(count))):
            self._running.append(action)
            self.changes.append(("create", action["resource_uri"]))

    def finish(self, _count: int) -> None:
        """End the one that has run the longest."""
        if self._running:
            action = self._running.pop(0)
            finish(self._recorder, action)
            self.changes.append(("update", action["resource_uri"]))


def test_events(server: Server, tenant: Tenant) -> None:
    """For all that is recorded, and wherever a client drops and returns: each event once, in order."""
    auditor, recorder = tenant.auditor, tenant.recorder

    @settings(max_examples=80)
    @given(steps=STEPS)
    def holds(steps: list[tuple[str, int]]) -> None:
        model = EventsModel(recorder)
        reader = Reader(lambda after: events(server, auditor, f"after={after}"), "position", head(auditor))
        for step, count in steps:
            match step:
                case "read":
                    reader.read(min(count, len(model.changes) - len(reader.seen)))
                case "leave" | "vanish":
                    getattr(reader, step)()
                case _:
                    getattr(model, step)(count)
        model.record(1)
        reader.read(len(model.changes) - len(reader.seen))
        reader.leave()
        assert [(frame["action"], frame["resource_uri"]) for frame in reader.seen] == model.changes

    holds()


def test_output(server: Server, tenant: Tenant) -> None:
    """For all that is written, and wherever a client drops and returns: each line once, in order, then the end."""
    auditor, recorder = tenant.auditor, tenant.recorder

    @settings(max_examples=80)
    @given(steps=STEPS)
    def holds(steps: list[tuple[str, int]]) -> None:
        action, written = running(recorder), 0
        reader = Reader(lambda after: output(server, auditor, action, f"after={after}"), "line", 0)
        for step, count in steps:
            match step:
                case "record":
                    append(recorder, action, *(str(line) for line in range(written + 1, written + count + 1)))
                    written += count
                case "read":
                    reader.read(min(count, written - len(reader.seen)))
                case "leave" | "vanish":
                    getattr(reader, step)()
        finish(recorder, action)
        reader.leave()
        with output(server, auditor, action, f"after={len(reader.seen)}") as stream:
            frames, close = stream.rest()
        assert [int(frame["log"]) for frame in [*reader.seen, *frames]] == list(range(1, written + 1))
        assert close.code == 1000

    holds()


def test_events_while_more_are_recorded(server: Server, tenant: Tenant) -> None:
    """The same while two others record without a pause: where old events meet new ones, none is lost or repeated."""
    recorded: list[str] = []

    def record() -> None:
        for _ in range(15):
            recorded.extend(action["resource_uri"] for action in tenant.recorder.batch(*({} for _ in range(20))))

    reader = Reader(lambda after: events(server, tenant.auditor, f"after={after}"), "position", head(tenant.auditor))
    tenant.caller("recorder")
    threads = [Thread(target=record) for _ in range(2)]
    for thread in threads:
        thread.start()
    while len(reader.seen) < 600:
        reader.read(min(1 + len(reader.seen) % 37, 600 - len(reader.seen)))
        reader.vanish()
    for thread in threads:
        thread.join()
    positions = [frame["position"] for frame in reader.seen]
    assert positions == sorted(set(positions))
    assert sorted(frame["resource_uri"] for frame in reader.seen) == sorted(recorded)
