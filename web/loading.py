"""Loads files of audit records into a log, many in a transaction, with a progress bar."""

import gc
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from deedbook.domain.audit_log import AuditLog, Order
from deedbook.domain.errors import DeedbookError, Unavailable
from deedbook.domain.events import Caller
from deedbook.domain.results import Answer, Imported, Related
from deedbook.web.importing import Item, Unreadable, read
from deedbook.web.printable import printable

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
        self._failure: Exception | None = None
        self.counts: Counter[str] = Counter()

    def load(self, name: str, items: Iterable[Item | Unreadable], done: Callable[[int], None]) -> None:
        """Record the items of one file, in order; durable on return. Raises `Unavailable` where it had to stop.

        Where it raises or is interrupted, all that was recorded is counted too.
        """
        waiting: Callable[[], None] = lambda: None  # noqa: E731  # nothing is under way yet
        try:
            for chunk in _chunks(iter(items)):
                readable = []
                for item in chunk:
                    if isinstance(item, Unreadable):
                        self._refused(name, item.line, item.reason)
                    else:
                        readable.append(item)
                with _uninterrupted():
                    waiting()
                    waiting = self._give(name, readable)
                done(len(chunk))
        finally:
            waiting()

    def _give(self, name: str, items: Sequence[Item]) -> Callable[[], None]:
        """Hand items to the writer, and return what waits until they are durable, and counts each once."""
        outcomes: list[Answer | Exception] = []
        uncounted = zip(items, outcomes, strict=True)
        finished = threading.Event()

        def deliver(outcome: Answer | Exception) -> None:
            outcomes.append(outcome)
            if len(outcomes) == len(items):
                finished.set()

        def wait() -> None:
            if items:
                finished.wait()
                for item, outcome in uncounted:
                    self._count(name, item, outcome)
            if self._failure is not None:
                raise self._failure

        if items:
            self._audit_log.submit([Order(item.command, deliver, item.once) for item in items])
        return wait

    def _count(self, name: str, item: Item, outcome: Answer | Exception) -> None:
        if isinstance(outcome, Exception):
            if isinstance(outcome, DeedbookError) and not isinstance(outcome, Unavailable):
                self._refused(name, item.line, str(outcome))
            else:
                self._failure = self._failure or outcome
        elif isinstance(outcome.result, Imported):
            self.counts["actions added" if outcome.result.added else "actions that were there"] += 1
        elif isinstance(outcome.result, Related):
            self.counts["relationships"] += not outcome.result.held

    def _refused(self, name: str, line: int, reason: str) -> None:
        self.counts["lines not loaded"] += 1
        self._report(f"{name}:{line}: {reason}")


def load_files(audit_log: AuditLog, files: Sequence[Path], namespace: str, console: Console) -> int:
    """Load files in order, print what became of their lines, and return how many could not be loaded.

    Raises `DeedbookError` for what is no log: before anything is loaded where a file can't be opened; else what was
    loaded until then stays, and its counts are printed. They are so too where it is interrupted.
    """
    by = Caller(agent="deedbook load")
    for path in files:
        if not os.access(path, os.R_OK) or path.is_dir():
            read(path, namespace=namespace, by=by)
    loading = Loading(audit_log, lambda words: _print(console, printable(words)))
    try:
        _load_each(loading, files, namespace, by, console)
    finally:
        told = ", ".join(_told(loading.counts[name], name) for name in _WORDS if loading.counts[name])
        if told:
            _print(console, told)
    if not told:
        _print(console, "nothing to load")
    return loading.counts["lines not loaded"]


def _print(console: Console, words: str) -> None:
    console.print(words, markup=False, highlight=False, soft_wrap=True)


def _load_each(loading: Loading, files: Sequence[Path], namespace: str, by: Caller, console: Console) -> None:
    """Load files in order, with a bar for each."""
    name = TextColumn("{task.description}", markup=False)
    columns = (name, BarColumn(), DownloadColumn(), TextColumn("{task.fields[rate]}"))
    with (
        _seldom_collected(),
        Progress(
            *columns, TimeRemainingColumn(), console=console, transient=True, disable=not console.is_terminal
        ) as progress,
    ):
        for path in files:
            size = path.stat().st_size if path.is_file() else None
            task = progress.add_task(printable(path.name), total=size, rate="")

            def read_so_far(consumed: int, task: TaskID = task) -> None:
                progress.update(task, completed=consumed)

            def done(count: int, task: TaskID = task) -> None:
                records = progress.tasks[task].fields.get("records", 0) + count
                elapsed = progress.tasks[task].elapsed or 1e-9
                progress.update(task, rate=f"{records / elapsed:,.0f} records/s", records=records)

            items = read(path, namespace=namespace, by=by, progress=read_so_far)
            loading.load(path.name, items, done)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Hold back a Ctrl-C, which would leave orders that nobody waits for, or the writer's lock taken."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)
    came = False

    def hold_back(_signal: int, _frame: FrameType | None) -> None:
        nonlocal came
        came = True
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, hold_back)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        signal.raise_signal(signal.SIGINT)


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
