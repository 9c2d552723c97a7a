"""Where an embedded store is kept: a file."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from deedbook.domain.errors import StoreUnusable
from deedbook.domain.log import Whole
from deedbook.domain.store.archive import Intake, Snapshot
from deedbook.domain.store.clock import now
from deedbook.domain.store.sqlite import SqliteStore
from deedbook.domain.store.sqlite.archive_reading import snapshot
from deedbook.domain.store.sqlite.archive_writing import intake
from deedbook.domain.store.sqlite.backup import back_up
from deedbook.domain.store.sqlite.snapshot import SqliteSnapshot
from deedbook.domain.store.writer import QUEUE


def path_of(url: str) -> Path:
    """Return the path that `sqlite:///relative/log.db` or `sqlite:////absolute/log.db` names.

    Raises `StoreUnusable` where the URL names none, or has a query or a fragment.
    """
    if "?" in url or "#" in url:
        # The path of a URL ends there: what is left of it may be another store.
        raise StoreUnusable(
            "DEEDBOOK_URL takes no query and no fragment for an embedded store: in its path, write ? as %3F and # as"
            " %23."
        )
    parts = urlsplit(url)
    path = unquote(parts.path)[1:]
    if parts.netloc or not path:
        raise StoreUnusable(
            "DEEDBOOK_URL names an embedded store as sqlite:///relative/log.db or sqlite:////absolute/log.db (three or"
            " four slashes), without a host."
        )
    return Path(path)


def sqlite_place(url: str) -> "SqlitePlace":
    """Return the place that a URL names."""
    return SqlitePlace(path_of(url))


@dataclass(frozen=True)
class SqlitePlace:
    """See `Place`."""

    path: Path

    @property
    def told(self) -> str:
        """See `Place.told`."""
        return f"sqlite:///{self.path}"

    @property
    def views(self) -> Path | None:
        """See `Place.views`: beside the file."""
        return self.path.parent

    def exists(self) -> bool:
        """See `Place.exists`."""
        return self.path.exists()

    def open(self, clock: Callable[[], int] = now, queue: int = QUEUE) -> SqliteStore:
        """See `Place.open`."""
        return SqliteStore(self.path, clock, queue)

    def whole(self) -> SqliteSnapshot:
        """See `Place.whole`."""
        return SqliteSnapshot(self.path)

    def snapshot(self) -> AbstractContextManager[Snapshot]:
        """See `Place.snapshot`."""
        return snapshot(self.path)

    def intake(self) -> AbstractContextManager[Intake]:
        """See `Place.intake`."""
        return intake(self.path)

    def back_up(self, place: Path, progress: Callable[[int, int], None]) -> Whole:
        """See `Place.back_up`."""
        return back_up(self.path, place, progress)
