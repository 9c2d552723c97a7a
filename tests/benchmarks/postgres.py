"""Recording on PostgreSQL through HTTP beside the library's own `Application.save`; and from one node to another."""

import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import UUID

import httpx
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event

from tests.benchmarks.recording import BODY, CONNECTIONS, script_of, wrk
from tests.benchmarks.report import Report
from tests.benchmarks.turns import calibration
from tests.support.postgres import Server as Postgres
from tests.support.postgres import own_server
from tests.support.server import Server

THREADS = 16

#: Reads after a commit on the other node.
READS = 300


class Noted(Aggregate):
    """An aggregate of the library's that holds what a recorded action does."""

    @event("Noted")
    def __init__(self, body: str) -> None:
        self.body = body


class _Stock:
    """The library's application on its own PostgreSQL recorder, as its documentation sets it up."""

    def __init__(self, server: Postgres) -> None:
        database = server.database().partition("?")[0].rpartition("/")[2]
        self._application: Application[UUID] = Application(
            env={
                "PERSISTENCE_MODULE": "eventsourcing.postgres",
                "POSTGRES_DBNAME": database,
                "POSTGRES_HOST": str(server.folder),
                "POSTGRES_PORT": "5432",
                "POSTGRES_USER": "postgres",
                "POSTGRES_PASSWORD": "none",
                "POSTGRES_POOL_SIZE": str(THREADS),
                "POSTGRES_MAX_OVERFLOW": str(THREADS),
            }
        )

    def rate(self, seconds: int) -> float:
        """Save from many threads for some time; return how many a second."""
        counts = [0] * THREADS
        until = time.monotonic() + seconds

        def save(number: int) -> None:
            while time.monotonic() < until:
                self._application.save(Noted(BODY))
                counts[number] += 1

        threads = [threading.Thread(target=save, args=(number,)) for number in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sum(counts) / seconds

    def close(self) -> None:
        """Close its connections."""
        self._application.close()


def measure(report: Report, seconds: int = 10, turns: int = 3) -> None:
    """Let both record in turns on one server; then let a second node answer for what the first recorded."""
    if shutil.which("wrk") is None:
        print("Recording on PostgreSQL is not measured: install wrk (Debian's package of that name) and run again.")
        return
    with own_server() as server:
        _recording(report, server, seconds, turns)
        _hearing(report, server)


@contextmanager
def _nodes(server: Postgres, count: int) -> Iterator[list[Server]]:
    """Give so many `deedbook serve` on one database, each with views of its own."""
    url = server.database()
    with ExitStack() as stack:
        nodes: list[Server] = []
        for _ in range(count):
            views = stack.enter_context(tempfile.TemporaryDirectory())
            nodes.append(Server(url, key=nodes[0].key if nodes else None, DEEDBOOK_VIEWS=views))
            stack.callback(nodes[-1].kill)
        yield nodes


def _recording(report: Report, server: Postgres, seconds: int, turns: int) -> None:
    rates: dict[str, list[float]] = {"stock": [], "http": [], "p99": [], "loop": []}
    stock = _Stock(server)
    with _nodes(server, 1) as (node,), tempfile.TemporaryDirectory() as folder:
        script = script_of(Path(folder), node.key)
        for _ in range(turns):
            rates["loop"].append(calibration())
            rates["stock"].append(stock.rate(seconds))
            rate, p99, _ = wrk(script, f"{node.api}/action/", seconds)
            rates["http"].append(rate)
            rates["p99"].append(p99)
    stock.close()
    stocks, https = (statistics.median(rates[name]) for name in ("stock", "http"))
    figure = f"{https:,.0f}/s of {stocks:,.0f}/s, p99 {statistics.median(rates['p99']):.0f} ms"
    what = f"POST on PostgreSQL, {CONNECTIONS} connections, of Application.save"
    report.add(what, figure, https / stocks, ">= 3", **rates)


def _hearing(report: Report, server: Postgres) -> None:
    taken: list[float] = []
    with _nodes(server, 2) as (one, two), one.client() as giving, two.client() as asking:
        for _ in range(READS):
            made = giving.post("/action/", content=BODY, headers={"Content-Type": "application/json"})
            began = time.perf_counter()
            found = asking.get("/action/", params={"uuid": made.raise_for_status().json()["uuid"]})
            taken.append((time.perf_counter() - began) * 1000)
            if found.json()["meta"]["total_count"] != 1:
                raise RuntimeError("a node did not have what another had answered for")
        httpx.get(f"{two.address}/health").raise_for_status()
    median, p99 = statistics.median(taken), sorted(taken)[int(READS * 0.99)]
    report.add("commit on one node, list on another", f"{median:.1f} ms, p99 {p99:.1f} ms", None, "< 50 ms")
