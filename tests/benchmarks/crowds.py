"""Crowds that follow: an action's output line by line, and every event; beside a bare broadcast of the same bytes.

The server has one core; the crowd, and whoever measures, have another.
"""

import re
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import httpx
import msgspec
import psutil

from tests.benchmarks.crowd import SERVER_SENT, WEBSOCKET, Crowd, Seen, Way, gathered, on_core
from tests.benchmarks.peers.process import running
from tests.benchmarks.report import Report
from tests.benchmarks.turns import take_turns
from tests.support.server import Server, serving
from tests.support.sse import telling
from tests.support.websocket import bearer, following

FOLLOWERS = 1000

#: Lines, or events, in a second.
RATE = 10

#: Lines that are appended at once to flood: more than anybody sends in a turn.
FLOOD = 5000

#: A burst of so many events, recorded so many at once, reaches so many clients.
BURST, BATCH, FEW = 10_000, 1_000, 100

SERVERS_CORE, CLIENTS_CORE = 0, 1

CALL = {"action": "Service Scale", "method": "POST", "path": "/api/app/v1/service/", "state": "Success"}

WAYS = {"WebSockets": WEBSOCKET, "server-sent events": SERVER_SENT}

Tell = Callable[[Sequence[int]], None]


class Streams:
    """Deedbook's streams, and what is told over them; each piece that is told bears its stamp."""

    def __init__(self, server: Server, http: httpx.Client) -> None:
        self.key = server.key
        self.process = psutil.Process(server.process.pid)
        self._server = server
        self._http = http

    def output(self) -> tuple[str, Tell]:
        """Return where the output of a new action is, and what appends to it."""
        action = self._http.post("/action/", json={**CALL, "state": "In progress"}).json()["uuid"]
        path = f"/action/{action}/logs/"

        def append(stamps: Sequence[int]) -> None:
            lines = [f"@{stamp}@ INFO GET /api/app/v1/service/5f0e/ 200 in 12 ms" for stamp in stamps]
            self._http.post(path, json={"lines": lines}).raise_for_status()

        return f"{self._server.api}{path}", append

    def events(self) -> tuple[str, Tell]:
        """Return where all events of actions are, and what records actions."""

        def record(stamps: Sequence[int]) -> None:
            calls = [{**CALL, "object": f"/@{stamp}@/"} for stamp in stamps]
            if len(calls) == 1:
                self._http.post("/action/", json=calls[0]).raise_for_status()
            for first in range(0, len(calls) if len(calls) > 1 else 0, BATCH):
                body = b"\n".join(map(msgspec.json.encode, calls[first : first + BATCH]))
                headers = {"content-type": "application/x-ndjson"}
                self._http.post("/action/", content=body, headers=headers).raise_for_status()

        return f"{self._server.api}/events/?type=action", record

    def cpu(self) -> float:
        """Return how many seconds of a core the server took so far."""
        times = self.process.cpu_times()
        return times.user + times.system

    def piece(self, url: str, way: Way, tell: Tell) -> str:
        """Return what is sent of one piece, with `@1@` as its stamp."""
        if way is SERVER_SENT:
            with telling(url, self.key) as stream:
                stream.any()
                tell([1])
                return msgspec.json.encode(stream.event()).decode()
        with following(url.replace("http", "ws"), bearer(self.key)) as stream:
            tell([1])
            return str(stream.connection.recv(timeout=10))


class Contender(NamedTuple):
    """A crowd, and what tells it something."""

    crowd: Crowd
    size: int
    tell: Tell

    def delays(self, seconds: int) -> list[float]:
        """Tell a piece, `RATE` times a second; return the milliseconds from then until each client had it."""
        sent = []
        began = time.monotonic()
        for turn in range(seconds * RATE):
            time.sleep(max(0.0, began + turn / RATE - time.monotonic()))
            sent.append(time.monotonic_ns())
            self.tell(sent[-1:])
        self.crowd.expect(len(sent) * self.size)
        seen = self.crowd.seen()
        check(seen, sent)
        return [(came - told) / 1e6 for one in seen for told, came in zip(one.stamps, one.times, strict=True)]

    def rate(self, pieces: int, seconds: float) -> tuple[float, list[Seen], list[int]]:
        """Tell many at once; return how many pieces a second came, until all had come or for so long."""
        began = time.monotonic_ns()
        sent = [began + number for number in range(pieces)]
        self.tell(sent)
        self.crowd.expect(pieces * self.size, seconds)
        seen = self.crowd.seen()
        came = sum(len(one.stamps) for one in seen)
        return came / (max(one.times[-1] for one in seen) - began) * 1e9, seen, sent


def check(seen: Sequence[Seen], sent: Sequence[int], *, all_of_it: bool = True) -> None:
    """Raise unless each client was sent all, or at least the beginning, in order."""
    for one in seen:
        if list(one.stamps) != sent[: None if all_of_it else len(one.stamps)]:
            raise RuntimeError(f"a client was sent {len(one.stamps)} pieces, of {len(sent)}, or not in order")


def measure(report: Report, seconds: int = 10, turns: int = 3) -> None:
    """Follow output, then events over WebSockets and as server-sent events, then a burst of events."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        with on_core(SERVERS_CORE):
            server = stack.enter_context(serving(Path(name)))
            peer = stack.enter_context(running("broadcast"))
        stack.enter_context(on_core(CLIENTS_CORE))
        streams = Streams(server, stack.enter_context(server.client()))
        _Measuring(report, streams, peer, seconds, turns).all()


class _Measuring(NamedTuple):
    report: Report
    streams: Streams
    peer: str
    seconds: int
    turns: int

    def all(self) -> None:
        self.at_a_rate(f"{FOLLOWERS:,} followers of one output, {RATE} lines a second", WEBSOCKET, self.streams.output)
        self.memory(f"memory with {FOLLOWERS:,} followers")
        self.flooded()
        for word, way in WAYS.items():
            what = f"event stream, {FOLLOWERS:,} clients, {RATE} a second, {word}"
            self.at_a_rate(what, way, self.streams.events)
        for word, way in WAYS.items():
            self.burst(f"{BURST:,} events to {FEW} clients, {word}", way)
        self.memory("memory after all that")

    def at_a_rate(self, what: str, way: Way, told: Callable[[], tuple[str, Tell]]) -> None:
        url, tell = told()
        with (
            gathered(url, way, FOLLOWERS, self.streams.key) as ours,
            gathered(self.peer, way, FOLLOWERS) as others,
        ):
            delays: list[float] = []
            busy: list[float] = []

            def deedbook() -> float:
                before, began = self.streams.cpu(), time.monotonic()
                found = Contender(ours, FOLLOWERS, tell).delays(self.seconds)
                busy.append((self.streams.cpu() - before) / (time.monotonic() - began))
                delays.extend(found)
                return _p99(found)

            bare = Contender(others, FOLLOWERS, self.bare(self.streams.piece(url, way, tell)))
            ours.expect(FOLLOWERS)
            ours.seen()
            taken = take_turns({"bare": lambda: _p99(bare.delays(self.seconds)), "deedbook": deedbook}, self.turns)
            self.report.add(
                f"{what}, p99", f"{taken.told('deedbook', ' ms')} of {taken.told('bare', ' ms')}",
                taken.ratio("deedbook", "bare"), "< 100 ms", p50=statistics.median(delays), **taken._asdict(),
            )  # fmt: skip
            self.report.add(f"{what}, the server's CPU", f"{statistics.median(busy):.0%} of a core")

    def flooded(self) -> None:
        def flood(url: str, tell: Tell) -> float:
            with gathered(url, WEBSOCKET, FOLLOWERS, self.streams.key) as crowd:
                rate, seen, sent = Contender(crowd, FOLLOWERS, tell).rate(FLOOD, self.seconds)
            check(seen, sent, all_of_it=False)
            return rate

        piece = self.streams.piece(*_with(WEBSOCKET, self.streams.output()))
        taken = take_turns({
            "bare": lambda: flood(self.peer, self.bare(piece)),
            "deedbook": lambda: flood(*self.streams.output()),
        }, self.turns)  # fmt: skip
        figure = f"{taken.told('deedbook')} of {taken.told('bare')}"
        self.report.add(
            f"frames, {FOLLOWERS:,} followers, flooded", figure, taken.ratio("deedbook", "bare"), ">= 30,000/s",
            **taken._asdict(),
        )  # fmt: skip

    def burst(self, what: str, way: Way) -> None:
        url, tell = self.streams.events()
        with gathered(url, way, FEW, self.streams.key) as ours, gathered(self.peer, way, FEW) as others:
            piece = self.streams.piece(url, way, tell)
            ours.expect(FEW)
            ours.seen()

            def rate(crowd: Crowd, tell: Tell) -> float:
                rate, seen, sent = Contender(crowd, FEW, tell).rate(BURST, 120)
                check(seen, sent)
                return rate

            taken = take_turns({
                "bare": lambda: rate(others, self.bare(piece)), "deedbook": lambda: rate(ours, tell),
            }, self.turns)  # fmt: skip
        figure = f"{taken.told('deedbook')} of {taken.told('bare')}"
        self.report.add(what, figure, taken.ratio("deedbook", "bare"), "whole, in order", **taken._asdict())

    def bare(self, piece: str) -> Tell:
        """Return what lets the peer send the same bytes."""
        before, after = re.split(r"@1@", piece, maxsplit=1)

        def tell(stamps: Sequence[int]) -> None:
            body = "\n".join(f"{before}@{stamp}@{after}" for stamp in stamps).encode()
            httpx.post(self.peer, content=body, timeout=60).raise_for_status()

        return tell

    def memory(self, what: str) -> None:
        self.report.add(what, f"{self.streams.process.memory_info().rss >> 20} MiB", None, "< 250 MiB")


def _with(way: Way, told: tuple[str, Tell]) -> tuple[str, Way, Tell]:
    return told[0], way, told[1]


def _p99(delays: Sequence[float]) -> float:
    return statistics.quantiles(delays, n=100)[98]
