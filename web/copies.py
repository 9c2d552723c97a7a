"""Copies of a whole store from the command line: backups, exports, and stores made of exports, with their progress."""

from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from deedbook.domain.log import Counts
from deedbook.web.opening import Copying
from deedbook.web.printable import printable


def back_up_store(copying: Copying, place: Path, console: Console) -> None:
    """Copy a store to a new file, and print what is in it."""
    with _bar(console) as bar:
        whole = copying.back_up(place, _told(bar, "backup"))
    _print(console, f"{place}: {_listed(whole.holds)}; head {whole.head}.")


def export_store(copying: Copying, after: int, place: Path | None, console: Console) -> None:
    """Write what is behind a position to a new file or (None) to standard output, and print what that is."""
    with _bar(console) as bar:
        whole = copying.export(after, place, _told(bar, "export"))
    _print(console, f"{'standard output' if place is None else place}: {_listed(whole.holds)}; head {whole.head}.")


def import_files(copying: Copying, files: Sequence[Path], console: Console) -> None:
    """Read exports into a store, and print what each added."""
    name = TextColumn("{task.description}", markup=False)
    columns = (name, BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        tasks = {path: bar.add_task(printable(path.name), total=_size(path)) for path in files}
        taken = copying.take_in(files, lambda path, done: bar.update(tasks[path], completed=done))
    for path, one in zip(files, taken, strict=True):
        revoked = f", {_counted(one.revoked, 'API key')} revoked" if one.revoked else ""
        added = f"{_listed(one.added)} added{revoked}" if one else "nothing added, all of it was there"
        _print(console, f"{path}: {added}; head {one.head}.")


def _bar(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _told(bar: Progress, name: str) -> Callable[[int, int], None]:
    """Return what takes a progress, and shows it in a bar."""
    task = bar.add_task(name, total=None)
    return lambda done, of: bar.update(task, completed=done, total=of)


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None


def _print(console: Console, words: str) -> None:
    console.print(printable(words), markup=False, highlight=False, soft_wrap=True)


def _listed(counts: Counts) -> str:
    return ", ".join(
        _counted(count, name)
        for count, name in (
            (counts.events, "event"),
            (counts.output, "output line"),
            (counts.keys, "API key"),
            (counts.idempotency, "idempotency record"),
        )
    )


def _counted(count: int, name: str) -> str:
    return f"{count:,} {name}{'' if count == 1 else 's'}"
