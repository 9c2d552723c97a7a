"""Readers who ask each node for its list again and again, and remember how they were answered."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Thread
from typing import NamedTuple

import httpx

from tests.support.server import Server


class Seen(NamedTuple):
    """An answer: when it came, after how many seconds, its status (None: the node was gone), its lag in seconds."""

    at: float
    seconds: float
    status: int | None
    lag: int | None
    sentence: str


class Readers:
    """One reader for each node; `seen` are their answers, by node."""

    def __init__(self, servers: Sequence[Server]) -> None:
        self.seen: list[list[Seen]] = [[] for _ in servers]
        self._servers = servers
        self._stop = Event()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Let them read, five times a second."""
        threads = [Thread(target=self._read, args=one) for one in enumerate(self._servers)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()

    def _read(self, node: int, server: Server) -> None:
        with server.client() as client:
            while not self._stop.wait(0.2):
                begun = time.monotonic()
                try:
                    answer = client.get("/action/", params={"limit": 1, "order_by": "-start_date"})
                except httpx.TransportError:
                    self._keep(node, begun, None, None, "")
                    continue
                lag = answer.headers.get("deedbook-lag")
                self._keep(node, begun, answer.status_code, None if lag is None else int(lag), answer.text[:200])

    def _keep(self, node: int, begun: float, status: int | None, lag: int | None, sentence: str) -> None:
        now = time.monotonic()
        self.seen[node].append(Seen(now, now - begun, status, lag, sentence))
