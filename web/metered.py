"""Counts what is asked: requests by path, method and status, and how long their answers took.

In numbers of our own: measured, a counter and a histogram of prometheus-client with their labels cost 3.8 µs a request,
and this 1.3 with all around it, of the 70 that an empty POST takes. `metrics.py` tells them in its format.
"""

from bisect import bisect_left
from collections.abc import Awaitable, Iterable, Iterator, Sequence
from itertools import accumulate
from time import perf_counter
from typing import Self

from starlette.routing import BaseRoute
from starlette.types import Message, Receive, Scope, Send

from deedbook.web.direct import Direct

#: Upper bounds of what an answer took, in seconds. A view that is behind is waited for, for 2.
SECONDS = (0.001, 0.005, 0.025, 0.1, 0.5, 2.5)

#: The methods that are told apart (RFC 9110, section 9, and PATCH); clients may send any word.
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"})

#: What stands for each path that no route takes, and each method beyond those above.
OTHER = "other"


class Distribution:
    """How many values fell between bounds, and their sum. One thread adds; any may read."""

    __slots__ = ("_bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self._bounds, value)] += 1
        self.total += value

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(self.counts)

    @classmethod
    def of(cls, bounds: Sequence[float], parts: Iterable[Self]) -> Self:
        """Return all values of several with the same bounds."""
        whole = cls(bounds)
        for part in parts:
            whole.counts = [one + more for one, more in zip(whole.counts, part.counts, strict=True)]
            whole.total += part.total
        return whole

    def buckets(self) -> list[tuple[str, float]]:
        """Return how many there are up to each bound, the last of which is infinite, as Prometheus has it."""
        return list(zip([*map(str, self._bounds), "+Inf"], accumulate(self.counts), strict=True))


class Requests:
    """What was asked, by the template of a path, method and status: no more kinds than routes times statuses."""

    def __init__(self) -> None:
        self._kinds: dict[tuple[str, str, int], Distribution] = {}

    def of(self, path: str, method: str, status: int) -> Distribution:
        """Return where the seconds until answers of one kind began are counted."""
        return self._kinds.setdefault((path, method if method in METHODS else OTHER, status), Distribution(SECONDS))

    def __iter__(self) -> Iterator[tuple[tuple[str, str, int], Distribution]]:
        """All that was asked since the beginning; from any thread."""
        return iter(list(self._kinds.items()))


class Metered:
    """A router that counts what it answers, when the answer begins: a stream may last for days."""

    def __init__(self, router: Direct, requests: Requests) -> None:
        self._router = router
        self._requests = requests
        self._templates = dict(_templates(router.routes))
        self._known: dict[tuple[object, str, int], Distribution] = {}

    @property
    def routes(self) -> list[BaseRoute]:
        """The route table."""
        return self._router.routes

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Pass a request on; a client that went before its answer began was not answered, and is not counted."""
        # Nothing here is async: each coroutine would cost as much as the counting.
        begun = perf_counter()
        known = self._known

        def told(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                seconds = known.get((scope.get("endpoint"), scope["method"], message["status"]))
                if seconds is None:
                    seconds = self._met(scope, scope["method"], message["status"])
                took = perf_counter() - begun
                # `seconds.add`, without the call.
                seconds.counts[bisect_left(SECONDS, took)] += 1
                seconds.total += took
            return send(message)

        if scope["type"] == "http":
            return self._router(scope, receive, told)
        return self._router(scope, receive, self._told_of_handshake(scope, send, begun))

    def _told_of_handshake(self, scope: Scope, send: Send, begun: float) -> Send:
        def told(message: Message) -> Awaitable[None]:
            if message["type"] in _HANDSHAKE:
                status = message.get("status", _HANDSHAKE[message["type"]])
                self._met(scope, "GET", status).add(perf_counter() - begun)
            return send(message)

        return told

    def _met(self, scope: Scope, method: str, status: int) -> Distribution:
        """Return where a kind of request is counted; where it has a template, it is found at once afterwards."""
        path = self._templates.get(scope.get("endpoint"))
        found = self._requests.of(path or OTHER, method, status)
        if path is not None and method in METHODS:
            self._known[scope.get("endpoint"), method, status] = found
        return found


#: How a handshake is answered, and with which status where the message itself has none.
_HANDSHAKE = {"websocket.accept": 101, "websocket.http.response.start": 403}


def _templates(routes: Iterable[BaseRoute], below: str = "") -> Iterator[tuple[object, str]]:
    """Return what answers each path, with the template of the path."""
    for route in routes:
        path = f"{below}{getattr(route, 'path', '')}"
        yield getattr(route, "endpoint", None) or getattr(route, "app", None), path
        yield from _templates(getattr(route, "routes", None) or (), path)
