"""What is done to a whole store from the command line: its status, a rebuild."""

import contextlib
from contextlib import closing

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from deedbook.domain.errors import DeedbookError
from deedbook.domain.merkle import Frontier, TreeHead
from deedbook.projections.dates import iso8601
from deedbook.projections.head import continued, frontier
from deedbook.projections.progress import Progress as Built
from deedbook.projections.reader import Reader
from deedbook.projections.rebuild import build
from deedbook.web.opening import Opened


def report_status(store: Opened, console: Console) -> None:
    """Print how far the log and its views are."""
    head = store.log.head()
    recorded = store.log.recorded(head)
    valid = sum(key.revoked is None for key in store.log.api_keys())
    lines = [
        ("store", store.told),
        ("log", f"position {head:,}" + ("" if recorded is None else f", recorded {iso8601(recorded)}")),
        ("output", f"{store.log.output_head():,} lines"),
        ("API keys", f"{valid:,} valid"),
        ("views", _views(store, head)),
        ("head", str(_head(store))),
    ]
    for name, value in lines:
        console.print(f"{name:10}{value}", markup=False, highlight=False, soft_wrap=True)


def rebuild_views(store: Opened, console: Console, because: str) -> None:
    """Build the views anew, with a progress bar, and put them in the place of those in use.

    Raises `AlreadyBuilding` while somebody else builds, `Unsound` where the new ones are not what they must be.
    """
    with progress_bar(console) as bar:
        task = bar.add_task("starting", total=store.log.head() or 1)

        def progress(built: Built) -> None:
            bar.update(task, description=built.phase, completed=built.done, total=built.of or 1, rate=built.rate)

        path = build(store.log, store.generations, progress=progress, because=because)
    console.print(f"The views are rebuilt: {path.name}, events: {store.log.head():,}.", highlight=False)


def _views(store: Opened, head: int) -> str:
    try:
        tracking = Reader(store.generations).tracking()
    except DeedbookError as error:
        return str(error)
    words = f"position {tracking.position:,}, {max(0, head - tracking.position):,} behind"
    return words if tracking.stopped_at is None else f"{words}; stopped at {tracking.stopped_at:,}: {tracking.reason}"


def _head(store: Opened) -> TreeHead:
    """Return the head of the whole log: that of the views, continued by what they have not read yet.

    Without views of this log every leaf is read: 1 µs for each event.
    """
    known = Frontier()
    # The log has a head all the same where views are missing, or spoilt: the next server makes them anew.
    with (
        contextlib.suppress(DeedbookError, ValueError),
        closing(Reader(store.generations)) as reader,
        reader.snapshot() as views,
    ):
        if store.log.recorded(views.tracking.position) == views.tracking.recorded:
            known = frontier(views.db)
    return continued(store.log, known)


def progress_bar(console: Console) -> Progress:
    """Return a bar of events, which a terminal shows and nothing else."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


class _Rate(ProgressColumn):
    """Events a second."""

    def render(self, task: Task) -> Text:
        """Return the rate, once there is one: what is told of it, or what can be seen."""
        rate = task.fields.get("rate") or task.speed
        return Text("" if rate is None else f"{rate:,.0f} events/s")
