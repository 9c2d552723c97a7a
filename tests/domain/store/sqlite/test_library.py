"""The tests that the library has for recorders, on ours."""

import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eventsourcing.persistence import StoredEvent
from eventsourcing.tests import persistence

from deedbook.domain.store.clock import now
from deedbook.domain.store.sqlite.recorder import LogDatastore, LogRecorder
from deedbook.domain.store.sqlite.schema import prepare


class OnAFile(persistence.RecorderTestCase):
    """Gives each test a recorder on a new store."""

    def setUp(self) -> None:
        """Make the store."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = Path(folder.name) / "log.db"
        prepare(path)
        self.datastore = LogDatastore(path)
        self.addCleanup(self.datastore.close)
        self.addCleanup(self._wait_for_threads, set(threading.enumerate()))

    @staticmethod
    def _wait_for_threads(before: set[threading.Thread]) -> None:
        """Let the readers of the library end: it does not wait for them, and a connection in use stays open."""
        for thread in set(threading.enumerate()) - before:
            thread.join(60)

    def create_recorder(self) -> LogRecorder:
        """Return the recorder."""
        return LogRecorder(self.datastore, now)


class TestApplicationRecorder(OnAFile, persistence.ApplicationRecorderTestCase[LogRecorder]):
    """The library's contract of a recorder of positions: inserting, selecting, concurrency, and the subscription."""

    def test_insert_subscribe(self) -> None:
        """The subscription's part, which the library asks for only of recorders that have one."""
        super().optional_test_insert_subscribe()


class TestNonInterleaving(OnAFile, persistence.NonInterleavingNotificationIDsBaseCase):
    """Events that are inserted together stand side by side, whoever inserts at the same time."""


class WithoutPositions(LogRecorder):
    """Our recorder, silent about positions: the case below expects None where it is told where events stand."""

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> None:  # noqa: ANN401  # the library's
        """Record events, and tell nothing of where."""
        super().insert_events(stored_events, **kwargs)


class TestAggregateRecorder(OnAFile, persistence.AggregateRecorderTestCase):
    """The library's contract of a recorder of aggregates.

    It can't apply unchanged: it asserts that inserting returns None, and `ApplicationRecorderTestCase`, that it returns
    positions. All it says else holds.
    """

    def create_recorder(self) -> LogRecorder:
        """Return the recorder, silent about positions."""
        return WithoutPositions(self.datastore, now)
