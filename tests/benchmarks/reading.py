"""The latency of lists at ten thousand and a million actions, and the rate of a rebuild."""

import tempfile
import time
from pathlib import Path
from statistics import median

from deedbook.domain.store.sqlite import SqliteStore
from deedbook.projections.action_query import ActionQuery
from deedbook.projections.generations import Generations
from deedbook.projections.progress import Progress
from deedbook.projections.reader import Reader
from deedbook.projections.rebuild import build
from tests.benchmarks.filling import NAMESPACE, fill, stack
from tests.benchmarks.report import Report, median_ms

SMALL, LARGE = 10_000, 1_000_000

QUERIES = {
    "first page": ActionQuery(namespace=NAMESPACE),
    "newest first": ActionQuery(namespace=NAMESPACE, newest_first=True),
    "state": ActionQuery(namespace=NAMESPACE, equal={"state": ("Failed",)}),
    "user": ActionQuery(namespace=NAMESPACE, equal={"user": ("user7",)}),
    "action": ActionQuery(namespace=NAMESPACE, equal={"action": ("Stack Update",)}),
    "method": ActionQuery(namespace=NAMESPACE, equal={"method": ("GET",)}),
    "ip": ActionQuery(namespace=NAMESPACE, equal={"ip": ("203.0.113.9",)}),
    "is_user_action": ActionQuery(namespace=NAMESPACE, equal={"is_user_action": ("true",)}),
    "object": ActionQuery(namespace=NAMESPACE, object=stack(3)),
    "include_related": ActionQuery(namespace=NAMESPACE, object=stack(3), include_related=True),
    "state, all namespaces": ActionQuery(equal={"state": ("Failed",)}, newest_first=True),
}


def measure(report: Report, large: int = LARGE) -> None:
    """Fill two stores, build their views, and ask both the same questions in turns."""
    with tempfile.TemporaryDirectory() as name:
        readers = {}
        for size in (SMALL, large):
            folder = Path(name) / str(size)
            folder.mkdir()
            store = fill(folder, size)
            readers[size] = _rebuilt(report, store, folder, size)
            store.close()
        for what, query in QUERIES.items():
            _compare(report, what, query, readers[SMALL], readers[large], large)


def _rebuilt(report: Report, store: SqliteStore, folder: Path, size: int) -> Reader:
    marks: list[tuple[float, int]] = [(time.perf_counter(), 0)]

    def progress(built: Progress) -> None:
        marks.append((time.perf_counter(), built.done))

    generations = Generations(folder)
    build(store.log, generations, progress=progress)
    took = time.perf_counter() - marks[0][0]
    head = store.log.head()
    report.add(f"rebuild, {size:,} actions", f"{head / took:,.0f} events/s", None, ">= 30,000")
    reader = Reader(generations)
    with reader.snapshot() as snapshot:
        if snapshot.tracking.position != head or snapshot.actions(ActionQuery()).total != size:
            raise RuntimeError("the rebuilt views are not whole")
    return reader


def _compare(report: Report, what: str, query: ActionQuery, small: Reader, large: Reader, size: int) -> None:
    def ask(reader: Reader) -> int:
        with reader.snapshot() as snapshot:
            return len(snapshot.actions(query).documents)

    if not ask(small) or not ask(large):
        raise RuntimeError(f"{what} finds nothing")
    # One question to each in turn: the machine's own speed moves by half within a second.
    taken = [(median_ms(lambda: ask(small), 1), median_ms(lambda: ask(large), 1)) for _ in range(2000)]
    at_small, at_large = (median(column) for column in zip(*taken, strict=True))
    figure = f"{at_large:.3f} ms of {at_small:.3f} ms"
    report.add(f"list, {what}: {size:,} of {SMALL:,} actions", figure, at_large / at_small, "<= 1.5")
