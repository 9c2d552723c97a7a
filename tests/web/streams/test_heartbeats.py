"""A stream of server-sent events is never silent for long, and never says what it has not reached."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from deedbook.domain.commands import RecordAction
from deedbook.domain.events import Caller
from deedbook.domain.keys import ApiKey, Role
from deedbook.domain.lifecycle import State
from deedbook.domain.store.sqlite import SqliteStore
from deedbook.web import sse
from deedbook.web.event_stream import ServerSentEvents
from deedbook.web.followers import Follower
from deedbook.web.tail import Tail
from deedbook.web.wanted import Wanted
from tests.web.streams.keeping import Kept


class Scene:
    """A stream of the namespace acme on a store of its own."""

    def __init__(self, store: SqliteStore) -> None:
        self.store = store
        tail = Tail(store.log, asyncio.get_running_loop())
        store.writer.on_commit(tail.wake)
        self.channel = Kept()
        stream = ServerSentEvents(store.log, tail, Wanted("acme"), None, store.log.head())
        key = ApiKey(id=uuid4(), user="me", namespace="acme", role=Role.AUDITOR, secret_hash=b"", created=0)
        self.running = asyncio.create_task(stream.run(Follower(self.channel, key, str)))

    async def record(self, namespace: str) -> UUID:
        """Record an action."""
        command = RecordAction(id=uuid4(), namespace=namespace, by=Caller(), action="a", method="GET", path="/",
                               state=State.SUCCESS)  # fmt: skip
        await asyncio.to_thread(self.store.audit_log.perform, command)
        return command.id

    async def until(self, holds: Callable[[list[str]], bool]) -> list[str]:
        """Return what was sent, once something holds of it."""
        while not holds(self.channel.texts):
            assert not self.running.done()
            await asyncio.sleep(0.01)
        return list(self.channel.texts)


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    """A store."""
    return SqliteStore(tmp_path / "log.db")


def test_it_says_something(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Comments while nothing happens; how far it has come, once, where only others recorded; then events again."""
    monkeypatch.setattr(sse, "HEARTBEAT", 0.05)

    async def lives() -> None:
        scene = Scene(store)
        seen = await scene.until(lambda texts: texts.count(":\n") > 2)
        assert seen[0] == 'retry: 1000\nid: 0\nevent: position\ndata: {"position":0}\n\n'
        assert set(seen[1:]) == {":\n"}
        for _ in range(3):
            await scene.record("globex")
        reached = 'id: 3\nevent: position\ndata: {"position":3}\n\n'
        seen = await scene.until(lambda texts: texts[-2:] == [":\n", ":\n"] and reached in texts)
        assert seen.count(reached) == 1
        mine = await scene.record("acme")
        seen = await scene.until(lambda texts: str(mine) in texts[-1] or str(mine) in "".join(texts))
        (event,) = (text for text in seen if "event: action\n" in text)
        assert event.startswith("id: 4\nevent: action\ndata: {")
        # What was sent tells how far it has come: nothing is said twice.
        seen = await scene.until(lambda texts: texts[-2:] == [":\n", ":\n"] and event in texts)
        assert not [text for text in seen if text.startswith("id: 4\nevent: position")]
        scene.running.cancel()

    asyncio.run(lives())
    store.close()


def test_others_events_are_no_sign_of_life(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """While others record without a pause, of which the client sees nothing, the stream speaks all the same."""
    monkeypatch.setattr(sse, "HEARTBEAT", 0.05)

    async def lives() -> None:
        scene = Scene(store)

        async def without_a_pause() -> None:
            while True:
                await scene.record("globex")

        noise = asyncio.create_task(without_a_pause())
        seen = await scene.until(lambda texts: len(texts) > 4 and any(text.startswith("id: ") for text in texts[1:]))
        noise.cancel()
        await asyncio.gather(noise, return_exceptions=True)
        positions = [int(text.split("\n")[0].removeprefix("id: ")) for text in seen[1:] if text.startswith("id: ")]
        assert positions == sorted(set(positions))
        assert positions
        scene.running.cancel()

    asyncio.run(lives())
    store.close()
