"""Followers of the event stream, who come back whenever they are cut off, and keep all that they are told."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import NamedTuple

import httpx
from websockets.exceptions import WebSocketException

from tests.support.server import Server
from tests.support.sse import telling
from tests.support.websocket import bearer, following


class Told(NamedTuple):
    """An event that a follower was told: its position, and its id."""

    position: int
    id: str


class Follower:
    """One who follows from position 0 on; `told` is all that it was told, in that order."""

    def __init__(self, server: Server, listen: Callable[["Follower"], None]) -> None:
        self.server = server
        self.told: list[Told] = []
        self.times_cut_off = 0
        self._listen = listen
        self._stop = Event()
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def position(self) -> int:
        """The last position that it was told."""
        return self.told[-1].position if self.told else 0

    def tell(self, position: int, name: str) -> None:
        """Keep an event; hang up, where that was asked for."""
        self.told.append(Told(position, name))
        if self._stop.is_set():
            raise ConnectionAbortedError

    def stop(self) -> None:
        """Keep no more."""
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            # A stream that broke off or ended, a server that is gone or does not answer: come back.
            try:
                self._listen(self)
            except (httpx.HTTPError, WebSocketException, OSError, AssertionError, StopIteration):
                self.times_cut_off += 1
                time.sleep(0.2)


def by_server_sent_events(follower: Follower) -> None:
    """Listen as browsers do."""
    url = f"{follower.server.api}/events/?type=action&after=0"
    last_id = str(follower.position) if follower.told else None
    with telling(url, follower.server.key, last_id) as events:
        while True:
            event = events.event()
            follower.tell(event["position"], event["id"])


def by_websocket(follower: Follower) -> None:
    """Listen as the published clients do, but knowing where they were."""
    url = f"{follower.server.stream}/events/?after={follower.position}"
    with following(url, bearer(follower.server.key)) as stream:
        while True:
            frame = stream.frame()
            if frame["type"] == "action":
                follower.tell(frame["position"], frame["uuid"])


@contextmanager
def followed(servers: list[Server]) -> Iterator[list[Follower]]:
    """Let each server be followed in both ways."""
    followers = [Follower(server, how) for server in servers for how in (by_server_sent_events, by_websocket)]
    try:
        yield followers
    finally:
        for follower in followers:
            follower.stop()
