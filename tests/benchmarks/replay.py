"""Rebuilds at a million actions, what goes on beside them, and what a question about the past costs."""

import json
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import httpx
from eventsourcing.persistence import Tracking
from eventsourcing.sqlite import SQLiteDatastore, SQLiteTrackingRecorder

from deedbook.domain.store.sqlite import SqliteStore
from deedbook.projections.action_query import ActionQuery
from deedbook.projections.ahead import READERS
from deedbook.projections.generations import Generations
from deedbook.projections.progress import Phase, Progress
from deedbook.projections.reader import Reader
from deedbook.projections.rebuild import build
from tests.benchmarks.filling import NAMESPACE, fill
from tests.benchmarks.peers.sqlite import written
from tests.benchmarks.questions import FLAT
from tests.benchmarks.recording import CONNECTIONS, script_of, wrk
from tests.benchmarks.report import Report
from tests.support.server import Server

#: Actions in its store.
LARGE = 1_000_000

#: The same lists, now and as of a moment.
LISTS = (
    "first page", "newest first", "state", "user", "action", "method", "ip", "is_user_action", "object",
    "include_related",
)  # fmt: skip


def measure(report: Report, actions: int, seconds: int) -> None:
    """Fill one store, and measure all that the replay of it is asked for."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = fill(folder, actions)
        head = store.log.head()
        store.close()
        # A process of its own: what it takes of memory is the rebuild's.
        told = json.loads(subprocess.run([sys.executable, "-m", "tests.benchmarks.replay", str(folder)],
                                         check=True, capture_output=True, text=True).stdout)  # fmt: skip
        report.add(f"rebuild, {head:,} events", f"{told['rate']:,.0f} events/s", None, ">= 80,000", **told)
        report.add("rebuild, last fifth of the log of the first", "", told["fifths"][-1] / told["fifths"][0], ">= 0.7")
        report.add("rebuild, memory of all its processes", f"{told['mib']:,.0f} MiB", None, "< 350 MiB")
        alone = written(folder, head)
        report.add("SQLite alone, the same rows and indexes", f"{alone:,.0f} events/s", told["rate"] / alone)
        stock = _stock(folder, head)
        report.add("stock library, a trivial view, 1,000 a transaction", f"{stock:,.0f} events/s", told["rate"] / stock)
        _serve(report, folder, head, seconds)


def _serve(report: Report, folder: Path, head: int, seconds: int) -> None:
    server = Server(f"sqlite:///{folder}/log.db")
    try:
        with httpx.Client(base_url=f"{server.api}/{NAMESPACE}", headers={"Authorization": f"Bearer {server.key}"},
                          timeout=60) as client:  # fmt: skip
            _compare_past(report, client, head)
            _go_on_beside(report, client, server, folder, seconds)
    finally:
        server.kill()


def _compare_past(report: Report, client: httpx.Client, head: int) -> None:
    rng = random.Random(2)
    for name in LISTS:
        query = FLAT[name]
        taken = [
            (_ms(client, f"/action/?{query}"), _ms(client, f"/action/?{query}&as_of={rng.randrange(1, head)}"))
            for _ in range(400)
        ]
        now, then = (median(column) for column in zip(*taken, strict=True))
        report.add(f"list as of any moment, {name}", f"{then:.2f} ms of {now:.2f} ms", then / now, "<= 2")


def _go_on_beside(report: Report, client: httpx.Client, server: Server, folder: Path, seconds: int) -> None:
    """Durable POSTs, and lists, alone and while views are built."""
    if shutil.which("wrk") is None:
        print("What goes on beside a rebuild is not measured: install wrk and run again.")
        return
    script = script_of(folder, server.key)
    alone, _, _ = wrk(script, f"{server.api}/action/", seconds)
    lists = sorted(_ms(client, "/action/?order_by=-start_date") for _ in range(500))
    before = _generation(folder)
    client.post(f"{server.api}/admin/rebuild/").raise_for_status()
    beside, _, _ = wrk(script, f"{server.api}/action/", seconds)
    meanwhile = []
    while _generation(folder) == before:
        meanwhile.append(_ms(client, "/action/?order_by=-start_date"))
    ended = client.get(f"{server.api}/admin/rebuild/").json()["last"]["outcome"]
    if ended != "done" or len(meanwhile) < 100:
        raise RuntimeError(f"the rebuild ended too early to be measured beside: {ended}, {len(meanwhile)} lists")
    report.add(f"durable POST beside a rebuild, {CONNECTIONS} connections", f"{beside:,.0f}/s of {alone:,.0f}/s",
               beside / alone, ">= 0.5")  # fmt: skip
    p99 = sorted(meanwhile)[int(len(meanwhile) * 0.99)]
    report.add("list beside a rebuild, p99", f"{p99:.1f} ms, alone {lists[495]:.1f} ms", None, "< 100 ms")


def _generation(folder: Path) -> Path | None:
    return Generations(folder).current()


def _ms(client: httpx.Client, path: str) -> float:
    began = time.perf_counter()
    client.get(path).raise_for_status()
    return 1000 * (time.perf_counter() - began)


def _stock(folder: Path, head: int) -> float:
    """Return the rate of the library's own path: notifications, one row for each action, tracking, in transactions."""
    store = SqliteStore(folder / "log.db")
    datastore = SQLiteDatastore(str(folder / "stock.db"))
    views = SQLiteTrackingRecorder(datastore)
    views.create_table()
    with datastore.transaction(commit=True) as cursor:
        cursor.execute("CREATE TABLE versions (id TEXT PRIMARY KEY, version INTEGER)")
    began, position = time.perf_counter(), 0
    while found := store.recorder.select_notifications(position, 1000, inclusive_of_start=False):
        with datastore.transaction(commit=True) as cursor:
            for one in found:
                cursor.execute("INSERT OR REPLACE INTO versions VALUES (?, ?)",
                               (str(one.originator_id), one.originator_version))  # fmt: skip
            position = found[-1].id
            views._insert_tracking(cursor, Tracking("log", position))  # noqa: SLF001  # as the library's own views do
    rate = head / (time.perf_counter() - began)
    store.close()
    datastore.close()
    return rate


def rebuild(folder: Path) -> dict[str, object]:
    """Build the views of a store, check them, and return rate, rates of the fifths of the log, and memory."""
    store = SqliteStore(folder / "log.db")
    head = store.log.head()
    marks = [(0, time.perf_counter())]

    def progress(built: Progress) -> None:
        if built.phase is Phase.READING and built.done:
            marks.append((built.done, time.perf_counter()))

    began = time.perf_counter()
    build(store.log, Generations(folder), progress=progress)
    took = time.perf_counter() - began
    fifths = []
    for fifth in range(5):
        first, last = (_reached(marks, head * part // 5) for part in (fifth, fifth + 1))
        fifths.append((last[0] - first[0]) / (last[1] - first[1]))
    with Reader(Generations(folder)).snapshot() as snapshot:
        if snapshot.tracking.position != head or not snapshot.actions(ActionQuery()).total:
            raise RuntimeError("the rebuilt views are not whole")
    store.close()
    # Of this process, and of the largest of those that read ahead, which have ended, for each of them.
    own, largest = (resource.getrusage(whose).ru_maxrss for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return {"rate": head / took, "fifths": fifths, "mib": (own + READERS * largest) / 1024}


def _reached(marks: list[tuple[int, float]], position: int) -> tuple[int, float]:
    return next(mark for mark in marks if mark[0] >= position or mark is marks[-1])


if __name__ == "__main__":
    print(json.dumps(rebuild(Path(sys.argv[1]))))
