"""Where a store is kept: what can be done with it as a whole. Each engine has one."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from eventsourcing.persistence import ApplicationRecorder

from deedbook.domain.audit_log import AuditLog
from deedbook.domain.log import EventLog, Whole
from deedbook.domain.store import archive
from deedbook.domain.store.clock import now
from deedbook.domain.store.verify import snapshot
from deedbook.domain.store.writer import QUEUE, Writer


class Opened(Protocol):
    """A store that is open, to whoever gives commands and reads."""

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


class Store(Opened, Protocol):
    """A store that is open."""

    def on_news(self, call: Callable[[], None]) -> None:
        """Have `call` called, from some thread, when the store hears that somebody else has committed something."""


class WholeStore(snapshot.Snapshot, Protocol):
    """A store at one moment, open for a check."""

    def is_true(self) -> bool:
        """Tell whether all that was read is of that moment."""

    def close(self) -> None:
        """Let it go."""


class Place(Protocol):
    """Where one store is kept. It can be pickled, so that another process opens the same store.

    Each method raises `StoreUnusable` where there is no store and none can be made, or it is of a newer version.
    """

    @property
    def told(self) -> str:
        """Its URL as anybody may read it: without a password."""

    @property
    def views(self) -> Path | None:
        """The folder that the views go to unless a setting says another one; None: nothing says which."""

    def exists(self) -> bool:
        """Tell whether there is a store."""

    def open(self, clock: Callable[[], int] = now, queue: int = QUEUE) -> Store:
        """Open the store, making it where there is none."""

    def whole(self) -> WholeStore:
        """Open the store for a check, changing nothing."""

    def snapshot(self) -> AbstractContextManager[archive.Snapshot]:
        """Give the store as it is now, for an export; raises `StoreFailed`."""

    def intake(self) -> AbstractContextManager[archive.Intake]:
        """Give the store to read exports into; durable on return, undone by an error; raises `StoreFailed`."""

    def back_up(self, place: Path, progress: Callable[[int, int], None]) -> Whole:
        """Copy the store to a new file, durably, and return what is in it; raises `FileTaken`, `StoreFailed`."""
