"""What a contract test knows of an engine: a place where a store is kept, which can be opened again and again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from eventsourcing.persistence import ApplicationRecorder

from deedbook.domain.audit_log import AuditLog
from deedbook.domain.log import EventLog
from deedbook.domain.store.clock import now
from deedbook.domain.store.sqlite import SqliteStore
from deedbook.domain.store.writer import QUEUE, Writer


class Store(Protocol):
    """A store that is open."""

    @property
    def audit_log(self) -> AuditLog:
        """Where commands are given."""

    @property
    def log(self) -> EventLog:
        """Where they are read from."""

    @property
    def recorder(self) -> ApplicationRecorder:
        """The library's side of it: events as bytes, and the subscription."""

    @property
    def writer(self) -> Writer:
        """What decides and records."""

    def close(self) -> None:
        """Record and answer what waits, then close it."""


class Place(Protocol):
    """Where one store is kept. It can be pickled, so that another process opens the same store."""

    def open(self, clock: Callable[[], int] = now, queue: int = QUEUE) -> Store:
        """Open the store, making it where there is none."""


@dataclass(frozen=True)
class SqlitePlace:
    """A folder for an embedded store."""

    folder: Path

    def open(self, clock: Callable[[], int] = now, queue: int = QUEUE) -> Store:
        """See `Place.open`."""
        return SqliteStore(self.folder / "log.db", clock, queue)


#: Every engine, by its name, and how it is given an empty place. A second engine is put under the contract here.
ENGINES: Mapping[str, Callable[[Path], Place]] = {"sqlite": SqlitePlace}
