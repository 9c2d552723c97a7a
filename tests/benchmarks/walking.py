"""Walking a whole list by limit and offset, page after page, as the published clients do."""

import http.client
import json
import time
from pathlib import Path
from statistics import median

from tests.benchmarks.filling import NAMESPACE
from tests.benchmarks.report import Report
from tests.benchmarks.stores import place, store_of
from tests.support.server import Server

ACTIONS, LIMIT = 1_000_000, 100

#: Pages at each end of the walk whose times are compared.
END = 100


def measure(report: Report, kept: Path | None) -> None:
    """Walk through a million actions, each exactly once, on one connection."""
    with place(kept) as stores:
        folder = store_of(stores, ACTIONS)
        server = Server(f"sqlite:///{folder}/log.db")
        try:
            taken = _walk(server)
        finally:
            server.kill()
    first, last = (median(part) * 1000 for part in (taken[:END], taken[-END:]))
    figure = f"{last:.2f} ms of {first:.2f} ms, all of it {sum(taken):.0f} s"
    report.add(f"the last pages of {ACTIONS:,} actions, {LIMIT} a page, of the first", figure, last / first, "<= 2")


def _walk(server: Server) -> list[float]:
    """Return how long each page took, in seconds; raises where any action was met twice, or not at all."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    following: str | None = f"/api/audit/v1/{NAMESPACE}/action/?limit={LIMIT}"
    taken: list[float] = []
    seen: set[str] = set()
    while following is not None:
        began = time.perf_counter()
        connection.request("GET", following, headers=server.headers())
        answer = connection.getresponse().read()
        taken.append(time.perf_counter() - began)
        page = json.loads(answer)
        seen.update(action["uuid"] for action in page["objects"])
        following = page["meta"]["next"]
    if len(seen) != ACTIONS or len(taken) != ACTIONS // LIMIT:
        raise RuntimeError(f"the walk met {len(seen)} actions of {ACTIONS} on {len(taken)} pages")
    return taken
