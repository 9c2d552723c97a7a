"""The tests that the library has for recorders, on ours."""

from collections.abc import Sequence
from typing import Any

from eventsourcing.persistence import StoredEvent
from eventsourcing.tests import persistence

from deedbook.domain.store.postgres.place import postgres_place
from deedbook.domain.store.postgres.recorder import LogRecorder
from tests.support.postgres import shared_server


class InADatabase(persistence.RecorderTestCase):
    """Gives each test a recorder on a new store."""

    def setUp(self) -> None:
        """Make the store."""
        self.store = postgres_place(shared_server().database()).open()
        self.addCleanup(self.store.close)

    def create_recorder(self) -> LogRecorder:
        """Return the recorder."""
        return self.store.recorder


class TestApplicationRecorder(InADatabase, persistence.ApplicationRecorderTestCase[LogRecorder]):
    """The library's contract of a recorder of positions: inserting, selecting, concurrency, and the subscription."""

    def test_insert_subscribe(self) -> None:
        """The subscription's part, which the library asks for only of recorders that have one."""
        super().optional_test_insert_subscribe()


class TestNonInterleaving(InADatabase, persistence.NonInterleavingNotificationIDsBaseCase):
    """Events that are inserted together stand side by side, whoever inserts at the same time."""


class WithoutPositions:
    """Our recorder, silent about positions: the case below expects None where it is told where events stand."""

    def __init__(self, recorder: LogRecorder) -> None:
        self._recorder = recorder

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> None:  # noqa: ANN401  # the library's
        """Record events, and tell nothing of where."""
        self._recorder.insert_events(stored_events, **kwargs)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # whatever it is
        return getattr(self._recorder, name)


class TestAggregateRecorder(InADatabase, persistence.AggregateRecorderTestCase):
    """The library's contract of a recorder of aggregates.

    It can't apply unchanged: it asserts that inserting returns None, and `ApplicationRecorderTestCase`, that it returns
    positions. All it says else holds.
    """

    def create_recorder(self) -> Any:  # noqa: ANN401  # a recorder in all but its class
        """Return the recorder, silent about positions."""
        return WithoutPositions(super().create_recorder())
