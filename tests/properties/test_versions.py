"""A log that holds two versions of one event: whoever reads it finds what a log of the newer one alone says."""

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import cycle
from pathlib import Path
from uuid import UUID

import msgspec
from hypothesis import event, given, settings
from hypothesis import strategies as st

from deedbook.domain.commands import Finish
from deedbook.domain.errors import DeedbookError
from deedbook.domain.events import ActionRecorded, ActionStarted, Caller, Event
from deedbook.domain.lifecycle import State
from deedbook.domain.log import EventLog, Happened
from deedbook.domain.results import Command
from deedbook.domain.store.sqlite import SqliteStore
from deedbook.domain.testing.sequences import BY, live, named, step_sequences
from deedbook.projections.generations import Generations
from deedbook.projections.rebuild import build
from deedbook.projections.view import Views
from deedbook.web.frames import Frame, Frames
from tests.support.lives import ENDING, WAITING
from tests.support.older import with_older_starts
from tests.support.tables import rows
from tests.support.verifying import findings

#: The present of a store, in microseconds since the epoch.
NOW = 1_500_000_000_000_000

#: Whatever comes then, some actions start in each history.
STARTING = step_sequences(output=True).map(lambda steps: named([WAITING] * 4 + ENDING + steps))

#: Which of the starts are of version 1, over and over.
OLDER = st.lists(st.booleans(), min_size=1, max_size=4)


@contextmanager
def opened(path: Path) -> Iterator[SqliteStore]:
    """Open a store whose clock stands still."""
    with closing(SqliteStore(path, lambda: NOW)) as store:
        yield store


@contextmanager
def pair(history: list[Command], older: list[bool]) -> Iterator[tuple[SqliteStore, SqliteStore, set[int]]]:
    """Give a store in which a history happened, the same with some starts of version 1, and the positions of these."""
    with tempfile.TemporaryDirectory() as name:
        new, mixed = (Path(name, folder, "log.db") for folder in ("new", "mixed"))
        with opened(new) as store:
            live(store.audit_log, history)
        mixed.parent.mkdir()
        positions = with_older_starts(new, mixed, cycle(older))
        event(f"starts of version 1: {len(positions)}")
        with opened(new) as first, opened(mixed) as second:
            yield first, second, positions


def views(store: SqliteStore) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of the views that a rebuild gives, after comparing them with views that read event by event."""
    with closing(sqlite3.connect(build(store.log, Generations(store.path.parent)))) as db:
        built = shown(db)
    path = store.path.with_name("live.db")
    with closing(Views(path)) as running:
        while happened := store.log.read(running.tracking.position, 1):
            running.apply(happened)
    with closing(sqlite3.connect(path)) as db:
        for name, found in shown(db).items():
            assert found == built[name], name
    return built


def shown(db: sqlite3.Connection) -> dict[str, list[tuple[object, ...]]]:
    """Return all views but the log's head: that is of the bytes, which differ."""
    return {table: found for table, found in rows(db).items() if table != "head"}


def frames(log: EventLog) -> list[Frame | None]:
    """Return what a stream sends that saw all, and what one sends that comes in at each event."""
    happened = log.read(0, 10_000)
    following = Frames(log)
    return [*(following.of(one) for one in happened), *(Frames(log).of(one) for one in happened)]


def nameless(happened: Happened) -> tuple[int, UUID, int, int, Event]:
    """Return an event without its bytes, and without who caused it where it is a start: version 1 did not say."""
    read = happened.event
    if isinstance(read, ActionStarted):
        read = msgspec.structs.replace(read, by=Caller())
    return happened.position, happened.aggregate, happened.version, happened.recorded, read


def ended(store: SqliteStore, action: UUID) -> object:
    """End an action, whatever state it is in, and return what that came to."""
    try:
        return store.audit_log.perform(Finish(id=action, namespace=None, by=BY, state=State.SUCCESS))
    except DeedbookError as refusal:
        return str(refusal)


@settings(max_examples=60)
@given(history=STARTING, older=OLDER)
def test_both_versions_are_read_alike(history: list[Command], older: list[bool]) -> None:
    """Views, streams, histories and `verify` find in a mixed log what they find in the other: all but who started."""
    with pair(history, older) as (new, mixed, positions):
        assert views(mixed) == views(new)
        assert frames(mixed.log) == frames(new.log)
        read = mixed.log.read(0, 10_000)
        assert [nameless(one) for one in read] == [nameless(one) for one in new.log.read(0, 10_000)]
        for one in read:
            if isinstance(one.event, ActionStarted):
                assert one.event.by == (Caller() if one.position in positions else BY)
        for aggregate in {one.aggregate for one in read}:
            assert mixed.log.history(aggregate) == [one for one in read if one.aggregate == aggregate]
        assert not findings(mixed.path)
        assert not findings(new.path)


@settings(max_examples=40)
@given(history=STARTING, older=OLDER)
def test_what_happens_next_does_not_depend_on_the_version(history: list[Command], older: list[bool]) -> None:
    """Commands come to the same on a mixed log: the state that they are decided on is the same."""
    with pair(history, older) as (new, mixed, _):
        actions = [one.aggregate for one in new.log.read(0, 10_000) if isinstance(one.event, ActionRecorded)]
        for action in actions:
            assert ended(mixed, action) == ended(new, action)
        assert views(mixed) == views(new)
