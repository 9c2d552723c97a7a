"""Checks that the views hold what a replay gives, row for row: a fresh generation is built elsewhere, and compared.

The one that answers is read as it is at one moment, and the log up to there is folded into a file of its own, so that
recording, projecting and swaps may go on. What decides is the fresh one: its tables, their columns, their keys.
"""

import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from sqlite_utils import Database

from deedbook.domain.errors import StoreFailed, Undecodable
from deedbook.domain.finding import Finding, Found, Progress
from deedbook.domain.log import Happened
from deedbook.projections.generations import Generations
from deedbook.projections.versions import release_of
from deedbook.projections.view import Tracking, Views

#: Events folded in one transaction.
_BATCH = 10_000

#: Rows fetched at once of each file.
_ROWS = 5000

#: So many rows of one table are named; the rest are counted.
_NAMED = 100

#: How the views stand, which is no fault of theirs; compared otherwise.
_TRACKING = "tracking"


class Events(Protocol):
    """The log as views are built from it: see `EventLog`."""

    def head(self) -> int:
        """Return the position of the last event."""

    def recorded(self, position: int) -> int | None:
        """Return the recorded date of the event at a position."""

    def read(self, after: int, limit: int) -> Sequence[Happened]:
        """Return up to `limit` events behind a position."""


class OneMoment(Protocol):
    """A file that is open at one moment, for reading only."""

    db: sqlite3.Connection

    def is_true(self) -> bool:
        """Tell whether all that was read is of that moment."""

    def close(self) -> None:
        """Close it."""


class Compared(NamedTuple):
    """The generation that was compared, up to which position; or why none was."""

    file: str | None
    position: int | None
    what: str


class Opened(NamedTuple):
    """The generation that answers, at one moment."""

    path: Path
    file: OneMoment


def open_views(generations: Generations, open_file: Callable[[Path], OneMoment], found: Found) -> Opened | None:
    """Open the generation that answers now; None where there is none, or (and that is told) none that can be read."""
    while (path := generations.current()) is not None:
        try:
            return Opened(path, open_file(path))
        except (sqlite3.Error, OSError) as error:
            # One that is gone was swapped for another between the two steps.
            if path.exists():
                found(Finding(None, "view", f"{path.name} can't be read ({error})"))
                return None
    return None


def verify_views(
    opened: Opened | None, log: Events, found: Found, progress: Callable[[Progress], None] = lambda _: None
) -> Compared:
    """Compare the views with a replay of the log up to their position, telling each difference.

    The log must be at least as new as the views: opened after them. Views that are missing, behind, or of another
    version are no fault: a server builds them.
    """
    if opened is None:
        return Compared(None, None, "none that can be compared; a server builds them")
    try:
        return _verified(opened.path.name, opened.file.db, log, found, progress)
    except sqlite3.Error as error:
        found(Finding(None, "view", f"{opened.path.name} can't be read ({error})"))
    except StoreFailed as error:
        found(Finding(None, "file", str(error)))
    return Compared(opened.path.name, None, "not compared")


def _verified(
    name: str, views: sqlite3.Connection, log: Events, found: Found, progress: Callable[[Progress], None]
) -> Compared:
    if not release_of(Database(views)).is_ours:
        return Compared(name, None, "of another version, so that a server builds them anew; not compared")
    rows = views.execute("SELECT position, recorded, stopped_at, reason FROM tracking").fetchall()
    if len(rows) != 1:
        found(Finding(None, "view", f"tracking has {len(rows)} rows, and must have one"))
        return Compared(name, None, "not compared")
    tracking, head = Tracking(*rows[0]), log.head()
    if tracking.position > head:
        what = f"the views have read up to position {tracking.position}, and the log ends at {head}: it was cut off"
        found(Finding(tracking.position, "tail", what))
        return Compared(name, tracking.position, "ahead of the log; not compared")
    if tracking.stopped_at is not None or tracking.reason is not None:
        found(Finding(tracking.stopped_at, "stopped", f"the views stopped before this event: {tracking.reason}"))
    if tracking.recorded != (log.recorded(tracking.position) or 0):
        found(Finding(tracking.position, "view", "tracking: the event that was read last has another recorded date"))
    with tempfile.TemporaryDirectory(prefix="deedbook-verify-") as folder:
        fresh = Path(folder) / "views"
        stopped = _replay(log, fresh, tracking.position, progress)
        if stopped is not None:
            found(Finding(stopped.position, "view", stopped.what))
            return Compared(name, tracking.position, "not compared: the log can't be replayed up to there")
        _compare(fresh, views, found, progress)
    behind = head - tracking.position
    return Compared(name, tracking.position, f"compared, {behind} behind" if behind else "compared")


class _Stopped(NamedTuple):
    position: int
    what: str


def _replay(log: Events, fresh: Path, last: int, progress: Callable[[Progress], None]) -> _Stopped | None:
    """Fold the log up to `last` into a fresh file; return where and why it can't be."""
    with closing(Views(fresh, bulk=True)) as views:
        while (done := views.tracking.position) < last:
            progress(Progress("views", done, last))
            try:
                happened = log.read(done, min(_BATCH, last - done))
                views.apply(happened)
            except StoreFailed:
                raise
            except Undecodable as error:
                return _Stopped(error.position, f"the views have read this event, and no replay can: {error.reason}")
            except Exception as error:  # noqa: BLE001  # whatever a changed log makes a fold fail with is a finding
                what = f"no replay gets from here to position {last}: {type(error).__name__}: {error}"
                return _Stopped(done + 1, what)
            if not happened:
                return _Stopped(done + 1, f"the log has nothing here, and the views go on to position {last}")
        views.finish()
    return None


def _compare(fresh: Path, views: sqlite3.Connection, found: Found, progress: Callable[[Progress], None]) -> None:
    with closing(sqlite3.connect(fresh)) as must:
        there = _made(views)
        for name, (kind, statement) in _made(must).items():
            if there.get(name) != (kind, statement):
                fault = "is missing" if name not in there else "is not as a replay makes it"
                found(Finding(None, "view", f"{kind} {name} {fault}"))
        for (fault,) in views.execute("PRAGMA integrity_check"):
            if fault != "ok":
                found(Finding(None, "view", f"SQLite finds the file broken: {fault}"))
        names = [name for name, (kind, _) in _made(must).items() if kind == "table" and name != _TRACKING]
        for number, name in enumerate(names):
            progress(Progress("rows", number, len(names)))
            if name in there:
                _compare_table(_Table.of(must, name), must, views, found)


# Any: whatever a column holds.
Row = tuple[Any, ...]


class _Table(NamedTuple):
    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]

    @classmethod
    def of(cls, db: sqlite3.Connection, name: str) -> "_Table":
        """Return the table of a file; one without a key is ordered by all that it has."""
        rows = db.execute("SELECT name, pk FROM pragma_table_info(?) ORDER BY cid", (name,)).fetchall()
        columns = tuple(name for name, _ in rows)
        key = tuple(name for name, place in sorted(rows, key=lambda row: row[1]) if place)
        return cls(name, columns, key or columns)

    def pages(self, db: sqlite3.Connection) -> Iterator[list[Row]]:
        """Return the rows in the order of the key, many at once."""
        columns, order = (", ".join(f'"{name}"' for name in names) for names in (self.columns, self.key))
        cursor = db.execute(f'SELECT {columns} FROM "{self.name}" ORDER BY {order}')
        while page := cursor.fetchmany(_ROWS):
            yield page

    def place(self, row: Row) -> list[tuple[int, Any]]:
        """Return where a row stands, in the order of SQLite: nothing, numbers, text by its bytes, bytes."""
        return [_place(row[self.columns.index(name)]) for name in self.key]

    def told(self, row: Row) -> str:
        """Name a row by its key."""
        parts = (f"{name} {_short(row[self.columns.index(name)])}" for name in self.key)
        return f"{self.name}, {', '.join(parts)}"


def _compare_table(table: _Table, must: sqlite3.Connection, views: sqlite3.Connection, found: Found) -> None:
    try:
        differences = _differences(table, must, views)
        for number, (row, what) in enumerate(differences, 1):
            if number > _NAMED:
                rest = 1 + sum(1 for _ in differences)
                found(Finding(None, "view", f"{table.name}: {rest} more rows differ"))
                return
            found(Finding(None, "view", f"{table.told(row)}: {what}"))
    except sqlite3.Error as error:
        found(Finding(None, "view", f"{table.name} can't be read ({error})"))


def _differences(table: _Table, must: sqlite3.Connection, views: sqlite3.Connection) -> Iterator[tuple[Row, str]]:
    """Walk both files side by side: page by page while they are equal, then row by row."""
    expected, there = table.pages(must), table.pages(views)
    one, other = next(expected, None), next(there, None)
    while one is not None and one == other:
        one, other = next(expected, None), next(there, None)
    yield from _walk(
        table, chain(one or (), chain.from_iterable(expected)), chain(other or (), chain.from_iterable(there))
    )


def _walk(table: _Table, expected: Iterator[Row], there: Iterator[Row]) -> Iterator[tuple[Row, str]]:
    one, other = next(expected, None), next(there, None)
    while one is not None or other is not None:
        if one is not None and (other is None or table.place(one) < table.place(other)):
            yield one, "the row is missing"
            one = next(expected, None)
        elif other is not None and (one is None or table.place(other) < table.place(one)):
            yield other, "no replay gives this row"
            other = next(there, None)
        elif one is not None and other is not None:
            if one != other:
                changed = (name for name, a, b in zip(table.columns, one, other, strict=True) if a != b)
                yield one, f"{', '.join(changed)} is not what a replay gives"
            one, other = next(expected, None), next(there, None)


def _place(value: Any) -> tuple[int, Any]:  # noqa: ANN401  # as above
    if value is None:
        return 0, 0
    if isinstance(value, str):
        return 2, value.encode(errors="surrogateescape")
    return (3, value) if isinstance(value, bytes) else (1, value)


def _short(value: object) -> str:
    told = value.hex() if isinstance(value, bytes) else str(value)
    return told if len(told) <= 80 else f"{told[:80]}…"  # noqa: PLR2004  # a line on a screen


def _made(db: sqlite3.Connection) -> dict[str, tuple[str, str]]:
    rows = db.execute("SELECT name, type, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")
    return {name: (kind, statement) for name, kind, statement in rows}
