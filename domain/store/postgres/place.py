"""Where a store in PostgreSQL is kept: a database."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from deedbook.domain.errors import StoreUnusable
from deedbook.domain.log import Whole
from deedbook.domain.store.archive import Intake, Snapshot
from deedbook.domain.store.clock import now
from deedbook.domain.store.postgres import PostgresStore
from deedbook.domain.store.postgres.address import Address, address_of
from deedbook.domain.store.postgres.archive import intake, snapshot
from deedbook.domain.store.postgres.schema import exists
from deedbook.domain.store.postgres.whole import PostgresWhole
from deedbook.domain.store.writer import QUEUE


def postgres_place(url: str) -> "PostgresPlace":
    """Return the place that a URL names; raises `StoreUnusable`."""
    return PostgresPlace(address_of(url))


@dataclass(frozen=True)
class PostgresPlace:
    """See `Place`."""

    address: Address

    @property
    def told(self) -> str:
        """See `Place.told`."""
        return self.address.told

    @property
    def views(self) -> Path | None:
        """See `Place.views`: each node has its own."""
        return None

    def exists(self) -> bool:
        """See `Place.exists`."""
        return exists(self.address)

    def open(self, clock: Callable[[], int] = now, queue: int = QUEUE) -> PostgresStore:
        """See `Place.open`."""
        return PostgresStore(self.address, clock, queue)

    def whole(self) -> PostgresWhole:
        """See `Place.whole`."""
        return PostgresWhole(self.address)

    def snapshot(self) -> AbstractContextManager[Snapshot]:
        """See `Place.snapshot`."""
        return snapshot(self.address)

    def intake(self) -> AbstractContextManager[Intake]:
        """See `Place.intake`."""
        return intake(self.address)

    def back_up(self, place: Path, progress: Callable[[int, int], None]) -> Whole:
        """Say whose work that is: PostgreSQL's own tools keep to one moment too, and to a point in time."""
        del place, progress
        raise StoreUnusable(
            f"{self.told} is backed up by PostgreSQL's own tools: pg_dump for a copy, pg_basebackup and an archive of"
            " its write-ahead log for a point in time; `deedbook export` writes it as NDJSON."
        )
