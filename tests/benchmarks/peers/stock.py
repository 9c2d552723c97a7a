"""The stock library: `Application.save` on its own SQLite recorder, one aggregate with one event a call, durable."""

import time
from pathlib import Path
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.sqlite import SQLiteApplicationRecorder


class Recorded(Aggregate):
    """An action as the library keeps it: a body."""

    @event("Recorded")
    def __init__(self, body: str) -> None:
        self.body = body


def opened(folder: Path) -> Application[UUID]:
    """Return an application on a file in a folder."""
    application: Application[UUID] = Application(env={
        "PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(folder / "stock.db"),
    })  # fmt: skip
    recorder = application.recorder
    assert isinstance(recorder, SQLiteApplicationRecorder)
    with recorder.datastore.transaction(commit=False) as cursor:
        cursor.execute("PRAGMA synchronous")
        level = cursor.fetchone()[0]
    if level != FULL:
        raise RuntimeError(f"the stock recorder synchronizes at level {level}")
    return application


#: What `PRAGMA synchronous` tells of a connection whose commits are on disk.
FULL = 2


def save(application: Application[UUID], body: str, seconds: float) -> tuple[float, int]:
    """Save one aggregate after the other; return saves a second, and how many there were."""
    count, began = 0, time.perf_counter()
    while time.perf_counter() < began + seconds:
        application.save(Recorded(body))
        count += 1
    return count / (time.perf_counter() - began), count
