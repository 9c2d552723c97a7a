"""Many followers at once."""

import asyncio
import json

from websockets.asyncio.client import connect

from tests.support.server import Server
from tests.support.websocket import PATIENCE, bearer
from tests.web.api.callers import Json, Tenant
from tests.web.streams.listening import append, finish, running

FOLLOWERS = 1000
LINES = 20


class Crowd:
    """So many followers of one action; `seen` is what each was sent, `closes` how it ended."""

    def __init__(self, server: Server, key: str, action: Json) -> None:
        self.seen: list[list[int]] = [[] for _ in range(FOLLOWERS)]
        self.closes: set[int | None] = set()
        self._url = f"{server.stream}/action/{action['uuid']}/logs/"
        self._key = key
        self._open = 0
        # The backlog of a listening socket is no place for a thousand.
        self._entering = asyncio.Semaphore(50)
        self.all_open = asyncio.Event()

    async def follow(self) -> None:
        """Let all follow until the server has closed every one's stream."""
        await asyncio.gather(*map(self._one, self.seen))

    async def _one(self, seen: list[int]) -> None:
        async with self._entering:
            opened = await connect(
                self._url,
                additional_headers=bearer(self._key),
                compression=None,
                proxy=None,
                open_timeout=PATIENCE,
                ping_interval=None,
            )
        async with opened as connection:
            self._open += 1
            if self._open == FOLLOWERS:
                self.all_open.set()
            try:
                seen.extend([int(json.loads(text)["log"]) async for text in connection])
            finally:
                self.closes.add(connection.close_code)


async def watched(server: Server, tenant: Tenant) -> Crowd:
    """Return what a crowd saw of an action that wrote its lines before all their eyes."""
    action = running(tenant.recorder, "0")
    crowd = Crowd(server, tenant.auditor.key, action)
    following = asyncio.create_task(crowd.follow())
    await asyncio.wait_for(crowd.all_open.wait(), 2 * PATIENCE)
    for line in range(1, LINES):
        await asyncio.to_thread(append, tenant.recorder, action, str(line))
    await asyncio.to_thread(finish, tenant.recorder, action)
    await asyncio.wait_for(following, 2 * PATIENCE)
    return crowd


def test_a_thousand_followers_of_one_action(server: Server, tenant: Tenant) -> None:
    """All open at once: each is sent every line once, in order, and then 1000."""
    crowd = asyncio.run(watched(server, tenant))
    assert crowd.seen == [list(range(LINES))] * FOLLOWERS
    assert crowd.closes == {1000}
