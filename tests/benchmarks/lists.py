"""Lists at ten thousand and at ten million actions: how long each question takes, and how many a second are answered.

In this process first, in turns, so that what is compared is the views alone; then over HTTP, beside an empty Starlette
GET of as many bytes, and Datasette over an equal table with equal indexes.
"""

import shutil
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from statistics import median

from deedbook.projections.action_query import ActionQuery
from deedbook.projections.generations import Generations
from deedbook.projections.reader import Reader
from tests.benchmarks.asking import Asking
from tests.benchmarks.peers.datasette import Datasette, equal
from tests.benchmarks.peers.process import running
from tests.benchmarks.questions import FLAT, UNEVEN, parsed
from tests.benchmarks.report import Report, median_ms
from tests.benchmarks.stores import place, store_of
from tests.benchmarks.turns import take_turns
from tests.support.server import Server

SMALL, LARGE = 10_000, 10_000_000


def measure(report: Report, actions: int, kept: Path | None, seconds: int) -> None:
    """Ask everything of a small and of a large store."""
    with place(kept) as stores:
        small, large = (store_of(stores, size) for size in (SMALL, actions))
        _compare(report, Reader(Generations(small)), Reader(Generations(large)), actions)
        if shutil.which("wrk") is None:
            print("Requests a second are not measured: install wrk (Debian's package of that name) and run again.")
            return
        _serve(report, large, seconds)


def _compare(report: Report, small: Reader, large: Reader, size: int) -> None:
    for name, question in FLAT.items():
        query = parsed(question)
        at_small, at_large = _asked_in_turns(query, small, large)
        figure = f"{at_large:.3f} ms of {at_small:.3f} ms{_told(large, query)}"
        report.add(f"list, {name}: {size:,} of {SMALL:,} actions", figure, at_large / at_small, "<= 1.5")
    for name, question in filled(UNEVEN, large).items():
        query = parsed(question)
        figure = f"{median_ms(partial(ask, large, query), 40):.2f} ms{_told(large, query)}"
        report.add(f"list, {name}: {size:,} actions", figure, None, "< 25 ms")


def ask(reader: Reader, query: ActionQuery) -> int:
    """Ask one question, and return how many actions are on the page."""
    with reader.snapshot() as snapshot:
        return len(snapshot.actions(query).documents)


def _asked_in_turns(query: ActionQuery, small: Reader, large: Reader) -> tuple[float, float]:
    """Return how long a question takes at each, in ms: one to each in turn, since machines change their speed."""
    if not ask(small, query) or not ask(large, query):
        raise RuntimeError(f"{query} finds nothing")
    taken = [(median_ms(lambda: ask(small, query), 1), median_ms(lambda: ask(large, query), 1)) for _ in range(300)]
    at_small, at_large = (median(column) for column in zip(*taken, strict=True))
    return at_small, at_large


def _told(reader: Reader, query: ActionQuery) -> str:
    with reader.snapshot() as snapshot:
        page = snapshot.actions(query)
    return f", {'' if page.is_exact else 'over '}{page.total:,} found"


def filled(questions: Mapping[str, str], reader: Reader) -> dict[str, str]:
    """Return questions about what is in the store: an action's id, a position and a date of its middle."""
    with reader.snapshot() as snapshot:
        head = snapshot.tracking.position
        ((uuid,),) = snapshot.db.execute("SELECT hex(uuid) FROM actions WHERE id > ? LIMIT 1", (head // 3,))
        ((end,),) = snapshot.db.execute(
            "SELECT strftime('%Y-%m-%dT%H:%M:%SZ', \"end\" / 1000000, 'unixepoch') FROM actions"
            ' WHERE id > ? AND "end" IS NOT NULL LIMIT 1', (head // 2,))  # fmt: skip
    place = {"uuid": uuid[:6].lower(), "middle": head // 2, "end": end}
    return {name: question.format(**place) for name, question in questions.items()}


def _serve(report: Report, folder: Path, seconds: int) -> None:
    table = equal(folder)
    server = Server(f"sqlite:///{folder}/log.db")
    try:
        with Datasette(table) as datasette:
            for name, question in FLAT.items():
                _rate(report, server, datasette, name, question, seconds)
    finally:
        server.kill()


def _rate(report: Report, server: Server, datasette: Datasette, name: str, question: str, seconds: int) -> None:
    asking = Asking(server, seconds)
    path = f"/action/?{question}"
    size = asking.size(path)
    peer = datasette.url(question)
    with running("empty", size) as empty:
        contenders = {"empty": lambda: asking.rate_at(empty), "list": lambda: asking.rate(path)}
        if peer is not None:
            contenders["datasette"] = lambda: asking.rate_at(peer)
        taken = take_turns(contenders)
    figure = f"{taken.told('list')} of {taken.told('empty')}"
    report.add(f"GET of a list, {name}", figure, taken.ratio("list", "empty"), ">= 0.35", **taken._asdict())
    if peer is not None:
        figure = f"{taken.told('list')} of {taken.told('datasette')}"
        report.add(f"GET of a list, {name}, of Datasette's", figure, taken.ratio("list", "datasette"), ">= 10")
