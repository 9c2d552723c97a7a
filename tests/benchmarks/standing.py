"""What a large store takes before and while it is used: to start on, of memory, and of disk."""

import sqlite3
import time
from pathlib import Path

import httpx

from deedbook.projections.generations import Generations
from deedbook.projections.reader import Reader
from tests.benchmarks.asking import Asking
from tests.benchmarks.filling import NAMESPACE
from tests.benchmarks.lists import filled
from tests.benchmarks.peers.process import running
from tests.benchmarks.questions import FLAT, UNEVEN
from tests.benchmarks.report import Report
from tests.benchmarks.stores import place, store_of
from tests.benchmarks.turns import take_turns
from tests.support.server import Server, issue_key

MIB = 1024 * 1024

#: So many actions are asked for by their ids, spread over the log.
IDS = 1000


def measure(report: Report, actions: int, kept: Path | None, seconds: int) -> None:
    """Start a server on a large store, ask it everything, and see what it takes."""
    with place(kept) as stores:
        folder = store_of(stores, actions)
        _start(report, folder, actions)
        server = Server(f"sqlite:///{folder}/log.db")
        try:
            _one_by_one(report, server, folder, seconds)
            _ask_everything(report, server, folder, actions)
        finally:
            server.kill()
        _weigh(report, folder)


def _start(report: Report, folder: Path, actions: int) -> None:
    url = f"sqlite:///{folder}/log.db"
    key = issue_key(url)
    began = time.perf_counter()
    server = Server(url, key)
    answer = httpx.get(f"{server.api}/{NAMESPACE}/action/", headers=server.headers(), timeout=60)
    took = time.perf_counter() - began
    server.kill()
    if answer.status_code != httpx.codes.OK or answer.json()["meta"]["total_count"] != actions:
        raise RuntimeError(answer.text)
    report.add(f"from start to the first list of {actions:,} actions", f"{took:.2f} s", None, "< 2 s")


def _one_by_one(report: Report, server: Server, folder: Path, seconds: int) -> None:
    """Ask for actions by their ids, beside an empty answer of as many bytes."""
    paths = [f"/action/{uuid}/" for uuid in _ids(folder)]
    asking = Asking(server, seconds)
    with running("empty", asking.size(paths[0])) as empty:
        taken = take_turns({"empty": lambda: asking.rate_at(empty), "one": lambda: asking.rate(*paths)})
    figure = f"{taken.told('one')} of {taken.told('empty')}"
    report.add("GET of one action by id", figure, taken.ratio("one", "empty"), ">= 0.6", **taken._asdict())


def _ask_everything(report: Report, server: Server, folder: Path, actions: int) -> None:
    questions = [*FLAT.values(), *filled(UNEVEN, Reader(Generations(folder))).values()]
    with httpx.Client(headers=server.headers(), timeout=60) as client:
        for question in questions * 3:
            client.get(f"{server.api}/{NAMESPACE}/action/?{question}").raise_for_status()
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    most = int(status.split("VmHWM:")[1].split()[0]) / 1024
    report.add(f"memory of the server at {actions:,} actions", f"{most:.0f} MiB", None, "< 250 MiB")


def _weigh(report: Report, folder: Path) -> None:
    """Say how much of the disk each table takes, of the bytes that the events themselves are."""
    raw = _one(folder / "log.db", "SELECT sum(length(state) + length(topic) + 16 + 8 + 8 + 32) FROM events")
    views = Generations(folder).current()
    if views is None:
        raise RuntimeError("there are no views")
    log_size, views_size = ((folder / "log.db").stat().st_size, views.stat().st_size)
    figure = f"{(log_size + views_size) / MIB:,.0f} MiB of {raw / MIB:,.0f} MiB"
    report.add("disk of log and views, of the bytes of the events", figure, (log_size + views_size) / raw, "<= 4")
    for path in (folder / "log.db", views):
        for name, size in _tables(path):
            report.add(f"  {path.name.partition('-')[0]}, {name}", f"{size / MIB:,.0f} MiB", size / raw)


def _tables(path: Path) -> list[tuple[str, int]]:
    db = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    found = list(db.execute("SELECT name, sum(pgsize) FROM dbstat WHERE aggregate = 1 GROUP BY name ORDER BY 2 DESC"))
    db.close()
    return [(name, size) for name, size in found if size > MIB]


def _one(path: Path, query: str) -> int:
    db = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    ((found,),) = db.execute(query)
    db.close()
    return int(found)


def _ids(folder: Path) -> list[str]:
    views = Generations(folder).current()
    db = sqlite3.connect(f"file:{views}?mode=ro", uri=True)
    # Keys that were issued are actions too, of another namespace.
    some = (
        "SELECT hex(uuid) FROM actions NOT INDEXED WHERE id > ? AND namespace ="
        " (SELECT id FROM terms WHERE field = 'namespace' AND namespace = ?) LIMIT 1"
    )
    (last,) = db.execute("SELECT max(id) FROM actions").fetchone()
    rows = (db.execute(some, (last * number // IDS, NAMESPACE)).fetchone() for number in range(IDS))
    each = [row[0] for row in rows if row is not None]
    found = [f"{one[:8]}-{one[8:12]}-{one[12:16]}-{one[16:20]}-{one[20:]}".lower() for one in each]
    db.close()
    return found
