"""What a node has to do with the folder that it shares: it takes a snapshot, leaves others, and tells of both."""

import time
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from deedbook.domain.log import EventLog
from deedbook.projections.generations import Generations
from deedbook.projections.leaving import Leaving
from deedbook.projections.snapshots import Snapshots
from deedbook.projections.taking import Taking


class SharingReport(Struct):
    """The snapshots of the views, as this process last looked.

    position, age_seconds: of the newest that fits here, null where there is none; taken: the position of the one that
    this process began with, null where it took none; passed_over: by name, why others were not taken then; failure: why
    none can be left. left, takes, refusals: how many since this process began.
    """

    position: int | None
    age_seconds: float | None
    taken: int | None
    passed_over: dict[str, str]
    failure: str | None
    left: int
    takes: int
    refusals: int


class Sharing:
    """Takes and leaves snapshots, for one node."""

    def __init__(self, folder: Path, log: EventLog, generations: Generations, events: int, minutes: float) -> None:
        """Another snapshot is left after so many events, or so many minutes."""
        snapshots = Snapshots(folder, log)
        self._taking = Taking(snapshots, log, generations)
        self._leaving = Leaving(snapshots, generations, events, minutes)

    def take(self, because: str, abandoned: Callable[[], bool]) -> Path | None:
        """See `Taking.take`."""
        return self._taking.take(because, abandoned)

    def start(self, leads: Callable[[], bool]) -> None:
        """Begin to leave snapshots, while `leads` tells that it is this process that keeps the views up."""
        self._leaving.start(leads)

    def close(self) -> None:
        """Leave no more; a copy that is under way is given up."""
        self._leaving.close()

    def report(self) -> SharingReport:
        """Return how it stands, without asking the folder, which may not answer."""
        newest = self._leaving.newest
        return SharingReport(
            newest and newest.name.position,
            newest and round(max(0.0, time.time() - newest.at), 3),
            self._taking.taken,
            dict(self._taking.passed_over),
            self._leaving.failure,
            self._leaving.left,
            self._taking.takes,
            self._taking.refusals,
        )
