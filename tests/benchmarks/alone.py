"""Durable POSTs one after the other on one connection: beside one raw SQLite insert over HTTP, and other event stores.

One client for all that is asked over HTTP: a bare loop of http.client.
"""

import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from tests.benchmarks.peers import emmett, stock, umadb
from tests.benchmarks.peers.process import running
from tests.benchmarks.recording import BODY, caught_up
from tests.benchmarks.report import Report
from tests.benchmarks.turns import take_turns
from tests.support.server import Server, serving

#: Where the raw insert may run; the quicker one counts.
WAYS = ("loop", "thread")


def measure(report: Report, seconds: int = 10, turns: int = 3) -> None:
    """Let all take turns, and count afterwards whether each holds what it said."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(serving(folder))
        raws = {f"raw, in a {how}": stack.enter_context(running("insert", folder / how, how)) for how in WAYS}
        others = _others(folder, stack, seconds)
        answered: list[int] = []

        def durable() -> float:
            rate, count = post(f"{server.api}/action/", server.key, seconds)
            answered.append(count)
            caught_up(server)
            return rate

        contenders: dict[str, Callable[[], float]] = {
            "durable": durable,
            **{name: partial(_rate, partial(post, url, "", seconds)) for name, url in raws.items()},
            **others,
        }
        taken = take_turns(contenders, turns)
        _check(server, sum(answered))
    quickest = max(raws, key=taken.median)
    report.add("durable POST, 1 connection, of a raw insert over HTTP", f"{taken.told('durable')} of "
               f"{taken.told(quickest)}", taken.ratio("durable", quickest), ">= 0.50", **taken._asdict())  # fmt: skip
    for name in (*(name for name in raws if name != quickest), *others):
        report.add(f"durable POST, 1 connection, beside {name}", f"{taken.told('durable')} of {taken.told(name)}",
                   taken.ratio("durable", name))  # fmt: skip


def _others(folder: Path, stack: ExitStack, seconds: int) -> dict[str, Callable[[], float]]:
    """Return the other event stores, each called in its own way: an event of the same bytes, durable, one by one."""
    application = stock.opened(folder)
    stack.callback(application.close)
    uma = stack.enter_context(umadb.serving(folder))
    others: dict[str, Callable[[], float]] = {
        "Application.save in process": partial(_rate, partial(stock.save, application, BODY, seconds)),
        "UmaDB, one caller": partial(_rate, partial(umadb.append, uma, BODY.encode(), 1, seconds)),
    }
    node = stack.enter_context(emmett.installed())
    if node is not None:
        file = folder / "emmett.db"
        others["Emmett on SQLite in process"] = partial(_rate, partial(emmett.append, node, file, BODY, seconds))
    return others


def _rate(measured: Callable[[], tuple[float, int]]) -> float:
    return measured()[0]


def post(url: str, key: str, seconds: float) -> tuple[float, int]:
    """Post `BODY` again and again on one connection; return posts a second, and how many were answered."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    body, count, began = BODY.encode(), 0, time.perf_counter()
    while time.perf_counter() < began + seconds:
        connection.request("POST", parts.path, body, headers)
        answer = connection.getresponse()
        told = answer.read()
        if answer.status != 201:
            raise RuntimeError(told.decode())
        count += 1
    rate = count / (time.perf_counter() - began)
    connection.close()
    return rate, count


def _check(server: Server, answered: int) -> None:
    with server.client() as client:
        total = client.get("/acme/action/", params={"limit": 1}).json()["meta"]["total_count"]
    if total != answered:
        raise RuntimeError(f"{answered} were answered, {total} are there")
