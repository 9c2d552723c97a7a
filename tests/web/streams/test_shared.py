"""What a crowd shares: what is new is read once and made to bytes once, however many follow."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deedbook.domain.commands import AppendOutput, Line, RecordAction
from deedbook.domain.errors import Undecodable
from deedbook.domain.events import Caller
from deedbook.domain.keys import ApiKey, Role
from deedbook.domain.lifecycle import State
from deedbook.domain.output import OutputLine
from deedbook.domain.results import Command
from deedbook.domain.store.sqlite import SqliteStore
from deedbook.web import tail
from deedbook.web.event_stream import EventStream, ServerSentEvents
from deedbook.web.followers import Follower
from deedbook.web.frames import log_frame
from deedbook.web.output_stream import OutputAsked, OutputStream
from deedbook.web.ring import BLOCK, Block, Ring, blocks
from deedbook.web.tail import Tail
from deedbook.web.wanted import Wanted
from tests.web.streams.keeping import Kept

CROWD = 50

Run = Callable[[Follower], Coroutine[Any, Any, tuple[int, str]]]


class Counted:
    """A log that counts what it is asked for."""

    def __init__(self, log: object) -> None:
        self._log = log
        self.asked: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # whatever the log has
        self.asked[name] += 1
        return getattr(self._log, name)


class Crowd:
    """So many followers of a store, in one event loop, and what each was sent."""

    def __init__(self, store: SqliteStore) -> None:
        self.store = store
        self.counted = Counted(store.log)
        # Any: it has all that the log has.
        self.log: Any = self.counted
        self.tail = Tail(self.log, asyncio.get_running_loop())
        self.channels: list[Kept] = []
        self._tasks: list[asyncio.Task[tuple[int, str]]] = []

    async def follow(self, stream: Callable[[], Run]) -> None:
        """Let all follow, each its own stream."""
        key = ApiKey(id=uuid4(), user="me", namespace="acme", role=Role.AUDITOR, secret_hash=b"", created=0)
        for _ in range(CROWD):
            self.channels.append(Kept())
            self._tasks.append(asyncio.create_task(stream()(Follower(self.channels[-1], key, str))))
        await asyncio.sleep(0)
        self.counted.asked.clear()

    async def sent(self, *commands: Command) -> list[list[bytes]]:
        """Perform commands at once, and return what each was sent then, after the last of it came to all."""
        for command in commands:
            self.store.audit_log.perform(command)
        last = b"/last-%d/" % (len(commands) - 1)
        self.tail.wake()
        while not all(channel.pieces and last in channel.pieces[-1] for channel in self.channels):  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        return [[piece for piece in channel.pieces if b"/last-" in piece] for channel in self.channels]

    def leave(self) -> None:
        """End all streams."""
        for task in self._tasks:
            task.cancel()


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    """A store."""
    return SqliteStore(tmp_path / "log.db")


def recorded(number: int = 0, state: State = State.SUCCESS) -> RecordAction:
    """Return an action that bears a number."""
    return RecordAction(id=uuid4(), namespace="acme", by=Caller(), action="a", method="GET", path="/", state=state,
                        object=f"/last-{number}/")  # fmt: skip


def appended(action: UUID, number: int) -> AppendOutput:
    """Return a line of output that bears a number."""
    return AppendOutput(id=action, namespace="acme", lines=(Line(f"/last-{number}/"),))


async def seen(store: SqliteStore, stream: Callable[[Crowd], Run], commands: list[Command]) -> Counter[str]:
    """Let a crowd follow, check that each was sent the very same bytes, and return what the log was asked for."""
    crowd = Crowd(store)
    await crowd.follow(lambda: stream(crowd))
    first, *others = await crowd.sent(*commands)
    crowd.leave()
    for pieces in others:
        assert len(pieces) == len(first)
        assert all(one is other for one, other in zip(pieces, first, strict=True))
    return crowd.counted.asked


def test_a_line_is_read_and_written_once(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifty followers of an output: its new lines are read from the log once, and all are sent the same object."""
    action = recorded(state=State.IN_PROGRESS)
    store.audit_log.perform(action)

    def stream(crowd: Crowd) -> Run:
        return OutputStream(crowd.log, crowd.tail, OutputAsked(action.id, 0, 0, follow=True)).run

    made = Counter[int]()

    def counted(line: OutputLine) -> bytes:
        made[line.line] += 1
        return log_frame(line)

    monkeypatch.setattr(tail, "log_frame", counted)
    asked = asyncio.run(seen(store, stream, [appended(action.id, number) for number in range(100)]))
    assert made == dict.fromkeys(range(1, 101), 1)
    assert (asked["output"], asked["history"]) == (0, 0)
    # The lines, and that there are no more.
    assert asked["new_output"] == 2
    store.close()


@pytest.mark.parametrize("kind", [EventStream, ServerSentEvents])
def test_an_event_is_read_and_written_once(store: SqliteStore, kind: type[EventStream]) -> None:
    """Fifty followers of events, in either form: the same, where they want the same."""

    def stream(crowd: Crowd) -> Run:
        which = Wanted("acme", frozenset({"action"}))
        if kind is ServerSentEvents:
            return ServerSentEvents(crowd.log, crowd.tail, which, 0, 0).run
        return EventStream(crowd.log, crowd.tail, which, 0).run

    commands: list[Command] = [recorded(number) for number in range(100)]
    asked = asyncio.run(seen(store, stream, commands))
    assert (asked["read"], asked["history"]) == (2, 0)
    store.close()


def test_what_is_kept_is_bounded() -> None:
    """A ring keeps ten thousand entries, and of long ones four mebibytes: who stands before them reads the log."""
    for size, most in ((10, 10_000), (2**16, 64), (2**23, 1)):
        ring: Ring[bytes] = Ring(0)
        entry = bytes(size)
        for number in range(1, 20_001 if size == 10 else 200):
            ring.add(number, entry, size)
        assert ring.head - ring.low == most
        assert ring.after(ring.low - 1, bytes) is None
        block = ring.after(ring.low, bytes)
        assert block is not None
        assert len(block.data) <= max(BLOCK, size)


PIECES = st.lists(st.none() | st.integers(1, 2 * BLOCK).map(bytes))


@given(pieces=PIECES)
def test_blocks(pieces: list[bytes | None]) -> None:
    """They hold all that is wanted, in order, reach the end, and none is larger than a block or its one piece."""
    found = list(blocks(enumerate(pieces, 1)))
    assert b"".join(block.data for block in found) == b"".join(piece for piece in pieces if piece is not None)
    assert [block.last for block in found][-1:] == [len(pieces)][: len(pieces)]
    assert all(one.last < other.last for one, other in pairwise(found))
    begin = 0
    for block in found:
        wanted = [number for number in range(begin + 1, block.last + 1) if pieces[number - 1] is not None]
        assert block.sent == (wanted[-1] if wanted else None)
        assert len(block.data) <= BLOCK or len(wanted) == 1
        begin = block.last


def test_what_comes_before_a_piece_that_cannot_be_made() -> None:
    """It is given first, then the failure: a stream that stops has sent all before the event that it can't read."""

    def pieces() -> Iterator[tuple[int, bytes]]:
        yield 1, b"one"
        yield 2, b"two"
        raise Undecodable(3, "nobody knows it")

    made = blocks(pieces())
    assert next(made) == Block(2, 2, b"onetwo")
    with pytest.raises(Undecodable):
        next(made)
