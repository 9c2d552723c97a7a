"""Loads files of audit records into a log, many in a transaction, with a progress bar."""

import gc
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from deedbook.domain.audit_log import AuditLog, Order
from deedbook.domain.errors import DeedbookError, Unavailable
from deedbook.domain.events import Caller
from deedbook.domain.results import Answer, Imported, Related
from deedbook.web.importing import Item, Unreadable, read

#: Items in a transaction; the next ones are read while it is written.
CHUNK = 1000

#: New objects between two looks of the garbage collector: a chunk makes some ten thousand, and no garbage of its kind.
#: Measured with the usual 700: a tenth of the time of a load.
_GARBAGE = 200_000


class Loading:
    """What became of the items of some files."""

    def __init__(self, audit_log: AuditLog, report: Callable[[str], None]) -> None:
        self._audit_log = audit_log
        self._report = report
        self.counts: Counter[str] = Counter()

    def load(self, name: str, items: Iterable[Item | Unreadable], done: Callable[[int], None]) -> None:
        """Record the items of one file, in order; durable on return. Raises `Unavailable` where it had to stop."""
        waiting: Callable[[], None] = lambda: None  # noqa: E731  # nothing is under way yet
        for chunk in _chunks(iter(items)):
            readable = []
            for item in chunk:
                if isinstance(item, Unreadable):
                    self._refused(name, item.line, item.reason)
                else:
                    readable.append(item)
            waiting()
            waiting = self._give(name, readable)
            done(len(chunk))
        waiting()

    def _give(self, name: str, items: Sequence[Item]) -> Callable[[], None]:
        """Hand items to the writer, and return what waits until they are durable."""
        outcomes: list[Answer | Exception] = []
        finished = threading.Semaphore(0)

        def deliver(outcome: Answer | Exception) -> None:
            outcomes.append(outcome)
            if len(outcomes) == len(items):
                finished.release()

        def wait() -> None:
            if items:
                finished.acquire()
                for item, outcome in zip(items, outcomes, strict=True):
                    self._count(name, item, outcome)

        if items:
            self._audit_log.submit([Order(item.command, deliver, item.once) for item in items])
        return wait

    def _count(self, name: str, item: Item, outcome: Answer | Exception) -> None:
        if isinstance(outcome, Unavailable):
            raise outcome
        if isinstance(outcome, DeedbookError):
            self._refused(name, item.line, str(outcome))
        elif isinstance(outcome, Exception):
            raise outcome
        elif isinstance(outcome.result, Imported):
            self.counts["actions added" if outcome.result.added else "actions that were there"] += 1
        elif isinstance(outcome.result, Related):
            self.counts["relationships"] += not outcome.result.held

    def _refused(self, name: str, line: int, reason: str) -> None:
        self.counts["lines not loaded"] += 1
        self._report(f"{name}:{line}: {reason}")


def load_files(audit_log: AuditLog, files: Sequence[Path], namespace: str, console: Console) -> int:
    """Load files in order; return how many of their lines could not be. Raises `DeedbookError` for no log."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TextColumn("{task.fields[rate]}"))
    loading = Loading(audit_log, lambda words: console.print(words, markup=False, highlight=False, soft_wrap=True))
    by = Caller(agent="deedbook load")
    with (
        _seldom_collected(),
        Progress(
            *columns, TimeRemainingColumn(), console=console, transient=True, disable=not console.is_terminal
        ) as progress,
    ):
        for path in files:
            size = path.stat().st_size if path.is_file() else None
            task = progress.add_task(path.name, total=size, rate="")

            def read_so_far(consumed: int, task: TaskID = task) -> None:
                progress.update(task, completed=consumed)

            def done(count: int, task: TaskID = task) -> None:
                records = progress.tasks[task].fields.get("records", 0) + count
                elapsed = progress.tasks[task].elapsed or 1e-9
                progress.update(task, rate=f"{records / elapsed:,.0f} records/s", records=records)

            items = read(path, namespace=namespace, by=by, progress=read_so_far)
            loading.load(path.name, items, done)
    counts = loading.counts
    console.print(", ".join(_told(counts[name], name) for name in _WORDS if counts[name]) or "nothing to load")
    return counts["lines not loaded"]


@contextmanager
def _seldom_collected() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(_GARBAGE)
    try:
        yield
    finally:
        gc.set_threshold(*before)


#: What is counted, and what it is called where there is one of it.
_WORDS = {
    "actions added": "action added",
    "actions that were there": "action that was there",
    "relationships": "relationship",
    "lines not loaded": "line not loaded",
}


def _told(count: int, name: str) -> str:
    return f"{count:,} {name if count > 1 else _WORDS[name]}"


def _chunks(items: Iterator[Item | Unreadable]) -> Iterator[list[Item | Unreadable]]:
    while chunk := list(islice(items, CHUNK)):
        yield chunk
