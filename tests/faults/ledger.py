"""What clients remember of what they asked for, to compare with what the log has after a fault."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event
from time import monotonic, sleep
from typing import Any, NamedTuple

import httpx

from tests.support.at_work import at_work


class Request(NamedTuple):
    """A POST with a marker that no other has; half of them carry an Idempotency-Key."""

    marker: str
    path: str
    body: dict[str, Any]
    key: str | None

    def send(self, client: httpx.Client) -> httpx.Response:
        """Ask for it."""
        headers = {} if self.key is None else {"Idempotency-Key": self.key}
        return client.post(self.path, json=self.body, headers=headers)


class Ledger:
    """Every request that was sent, and the answer of each that was acknowledged."""

    def __init__(self) -> None:
        self.sent: dict[str, Request] = {}
        self.acknowledged: dict[str, dict[str, Any]] = {}

    def send(self, client: httpx.Client, request: Request) -> None:
        """Send a request, and note its answer; raises httpx.TransportError where there is none."""
        self.sent[request.marker] = request
        answer = request.send(client)
        assert answer.status_code in (200, 201, 202), answer.text
        self.acknowledged[request.marker] = answer.json()

    def repeat(self, client: httpx.Client) -> None:
        """Send all that carry a key again: who was answered before must be answered the same."""
        for request in [one for one in self.sent.values() if one.key is not None]:
            answer = request.send(client)
            assert answer.status_code in (200, 201, 202), answer.text
            first = self.acknowledged.setdefault(request.marker, answer.json())
            assert answer.json() == first, f"{request.marker} was answered otherwise when it was repeated"


@contextmanager
def connections(client: httpx.Client, ledger: Ledger, kinds: list[Callable[[str], Request]]) -> Iterator[None]:
    """Let one connection for each of `kinds` send requests, one after the other, until the server is gone."""

    def run(number: int, stop: Event) -> None:
        sequence = len(ledger.sent)
        while not stop.is_set():
            sequence += 1
            try:
                ledger.send(client, kinds[number](f"{sequence}-{number}"))
            except httpx.TransportError:
                return

    with at_work(len(kinds), run):
        yield


def wait_for(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Wait until something holds; fail where it does not come to hold."""
    until = monotonic() + seconds
    while not condition():
        assert monotonic() < until, f"waited for {what} in vain"
        sleep(0.02)
