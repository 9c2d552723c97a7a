"""Questions about a moment of the past are answered as they would have been answered then."""

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from deedbook.domain.commands import ImportAction
from deedbook.domain.events import Caller
from deedbook.domain.lifecycle import State
from deedbook.domain.log import EventLog
from deedbook.domain.results import Command
from deedbook.domain.store.sqlite import SqliteStore
from deedbook.domain.testing.sequences import NAMESPACES, OBJECTS, command_sequences, live
from deedbook.projections import drivers, milestones
from deedbook.projections.action_query import ActionQuery
from deedbook.projections.reader import Snapshot
from deedbook.projections.view import Views, connect, tracking
from tests.projections.test_action_query import QUERIES
from tests.support.busy import live_busily
from tests.support.shared import shared

#: In microseconds.
SECOND = 1_000_000


@pytest.fixture(params=["counted at once", "by milestones", "of many values"])
def counting(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few events, as they are counted; and the same with milestones so close that each total meets some."""
    if request.param == "of many values":
        monkeypatch.setattr(drivers, "MERGED", 1)
        monkeypatch.setattr(drivers, "JOINED", 2)
        monkeypatch.setattr(drivers, "SORTED", 3)
    if request.param != "counted at once":
        monkeypatch.setattr(milestones, "EVERY", 4)
        monkeypatch.setattr(milestones, "GROWN", 2)
        monkeypatch.setattr(milestones, "FEW", 0)
        monkeypatch.setattr(drivers, "ROWS_A_LOOK", 0)


@contextmanager
def projected(log: EventLog, path: Path, end: int) -> Iterator[Snapshot]:
    """Give the views of the events up to a position."""
    with closing(Views(path)) as views:
        if end:
            views.apply(log.read(0, end))
    with closing(connect(path)) as db:
        yield Snapshot(db, tracking(db), Event())


#: What is asked of every history beside questions made up: each way in which something may have moved since.
EACH = [
    ActionQuery(limit=500),
    *(ActionQuery(limit=500, equal={"state": (str(state),)}) for state in State),
    *(ActionQuery(limit=500, object=uri, include_related=True) for uri in OBJECTS),
    *(ActionQuery(limit=500, object=uri, include_related=True, equal={"user": ("ann",)}) for uri in OBJECTS),
    *(ActionQuery(limit=500, object=uri, equal={"state": ("Success", "Pending")}) for uri in OBJECTS),
]


def compare(store: SqliteStore, folder: Path, data: st.DataObject) -> None:
    """Hold answers as of a moment against those of a log that ends there."""
    head = store.log.head()
    moment = data.draw(st.integers(0, head), "moment")
    queries = data.draw(st.lists(QUERIES, min_size=10, max_size=20))
    with (
        projected(store.log, folder / "now.db", head) as now,
        projected(store.log, folder / "then.db", moment) as then,
    ):
        for aggregate in {happened.aggregate for happened in store.log.read(0, head)}:
            for namespace in (None, *NAMESPACES):
                assert now.action(aggregate, namespace, moment) == then.action(aggregate, namespace)
        for query in (*queries, *EACH):
            assert now.actions(structs.replace(query, as_of=moment)) == then.actions(query), query


@pytest.mark.usefixtures("counting")
@shared(60)
@given(history=command_sequences(output=True), data=st.data())
def test_as_of_a_position_equals_a_log_that_ends_there(history: list[Command], data: st.DataObject) -> None:
    """For any history, position and question: as_of=p finds what the views of the events 1 to p find."""
    with tempfile.TemporaryDirectory() as name, closing(SqliteStore(Path(name) / "log.db")) as store:
        live(store.audit_log, history)
        compare(store, Path(name), data)


@pytest.mark.usefixtures("counting")
@shared(60)
@given(seed=st.integers(0, 2**32), steps=st.integers(20, 150), several=st.booleans(), data=st.data())
def test_as_of_holds_where_much_waits_and_starts(seed: int, steps: int, several: bool, data: st.DataObject) -> None:  # noqa: FBT001  # Hypothesis's
    """The same for long histories of few objects, in which actions wait, start and are canceled."""
    with tempfile.TemporaryDirectory() as name, closing(SqliteStore(Path(name) / "log.db")) as store:
        live_busily(store.audit_log, seed, steps, NAMESPACES if several else NAMESPACES[:1])
        compare(store, Path(name), data)


def test_as_of_finds_the_end_that_an_import_gave_before_another(tmp_path: Path) -> None:
    """One that goes on may have an end already, and get another: of before, it is found by the one that it had."""
    running = ImportAction(
        id=UUID(int=0x4000 << 64 | 1 << 63), namespace=NAMESPACES[0], by=Caller(), action="Deploy", method="POST",
        path="/", state=State.IN_PROGRESS, start=SECOND, end=2 * SECOND, created=SECOND,
    )  # fmt: skip
    with closing(SqliteStore(tmp_path / "log.db")) as store:
        live(store.audit_log, [running])
        moment = store.log.head()
        live(store.audit_log, [structs.replace(running, state=State.SUCCESS, end=9 * SECOND)])
        with projected(store.log, tmp_path / "now.db", store.log.head()) as now:
            for end_to, found in (SECOND, 0), (3 * SECOND, 1):
                page = now.actions(ActionQuery(end_to=end_to, as_of=moment))
                assert (page.total, len(page.documents)) == (found, found)
