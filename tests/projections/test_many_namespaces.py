"""An admin asks of all namespaces at once, however many there are: the answer is what each of them has."""

from collections.abc import Iterator
from contextlib import closing
from threading import Event
from typing import Any
from uuid import UUID

import pytest
from msgspec import structs

from deedbook.domain.commands import Finish, ImportAction, RecordAction, StateParent
from deedbook.domain.events import Caller
from deedbook.domain.lifecycle import State
from deedbook.domain.results import Command
from deedbook.domain.store.sqlite import SqliteStore
from deedbook.projections.action_query import ActionQuery
from deedbook.projections.generations import Generations
from deedbook.projections.reader import Snapshot
from deedbook.projections.rebuild import build
from deedbook.projections.timeline import timeline
from deedbook.projections.view import connect, tracking
from tests.support.giving import give
from tests.support.steps import steps

BY = Caller("ann")
SECOND = 1_000_000
BEGAN = 1_700_000_000 * SECOND
OBJECT = "/service/a/"

#: Some are merged; more than are merged; more than SQLite joins.
NAMESPACES = (45, 60, 510)


def story(namespace: str, number: int) -> Iterator[Command]:
    """Yield what happens in a namespace: something waits and starts, some fail, and some take long."""
    for parent in ("/stack/a/", "/stack/b/", "/cluster/"):
        yield StateParent(namespace=namespace, parent=parent, child=OBJECT, by=BY)
    ids = [UUID(int=(number << 8 | at) << 80 | 0x4000 << 64 | 1 << 63) for at in range(20)]
    call: dict[str, Any] = {"namespace": namespace, "by": BY, "action": "Deploy", "method": "POST", "path": "/"}
    for id_, state in zip(ids, (State.IN_PROGRESS, State.PENDING), strict=False):
        yield RecordAction(id=id_, state=state, object=OBJECT, user="ann", **call)
    yield Finish(id=ids[0], namespace=namespace, by=BY, state=State.SUCCESS)
    yield RecordAction(id=ids[2], state=State.FAILED, object="/cluster/", user="bob", **call)
    for power, id_ in enumerate(ids[3:16]):
        start = BEGAN + (number * 13 + power) * SECOND
        yield ImportAction(
            id=id_, state=State.SUCCESS, created=start, start=start, end=start + 4**power, user=f"user{number}", **call
        )


class Many:
    """The views of many namespaces."""

    def __init__(self, snapshot: Snapshot, namespaces: list[str]) -> None:
        self.snapshot = snapshot
        self.namespaces = namespaces


@pytest.fixture(scope="module", params=NAMESPACES)
def many(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Many]:
    """Give them."""
    folder, namespaces = tmp_path_factory.mktemp("many"), [f"n{number}" for number in range(request.param)]
    with closing(SqliteStore(folder / "log.db")) as store:
        for number, namespace in enumerate(namespaces):
            give(store.audit_log, list(story(namespace, number)))
        views = build(store.log, Generations(folder))
    with closing(connect(views)) as db:
        yield Many(Snapshot(db, tracking(db), Event()), namespaces)


QUESTIONS = (
    ActionQuery(),
    ActionQuery(equal={"state": ("Failed", "In progress", "Success")}),
    ActionQuery(equal={"state": ("Failed",), "user": ("bob",)}),
    ActionQuery(equal={"user": tuple(f"user{number}" for number in range(700))}),
    ActionQuery(end_from=BEGAN + 40 * SECOND, end_to=BEGAN + 400 * SECOND),
    ActionQuery(end_from=BEGAN + 40 * SECOND, equal={"state": ("Success",)}),
    ActionQuery(object=OBJECT),
    ActionQuery(object=OBJECT, include_related=True),
    ActionQuery(object="/cluster/", include_related=True, equal={"state": ("Failed", "Success")}),
    ActionQuery(words=("ann",)),
)


@pytest.mark.parametrize("share", [None, 1.0, 0.5])
@pytest.mark.parametrize("query", QUESTIONS)
def test_all_of_them_have_what_each_has(many: Many, query: ActionQuery, share: float | None) -> None:
    """The same actions, and as many; now, and as of the end and of the middle of the log."""
    as_of = None if share is None else int(many.snapshot.tracking.position * share)
    whole = structs.replace(query, limit=20_000, as_of=as_of)
    each = [many.snapshot.actions(structs.replace(whole, namespace=name)) for name in many.namespaces]
    found = many.snapshot.actions(whole)
    assert sorted(found.documents) == sorted(document for one in each for document in one.documents)
    assert found.total == sum(one.total for one in each)
    # A page is its beginning.
    page = many.snapshot.actions(structs.replace(whole, limit=25))
    assert page.documents == found.documents[:25]


def test_what_ended_is_counted_over_time(many: Many) -> None:
    """Also where there are more namespaces and durations than SQLite joins."""
    query = ActionQuery(end_from=BEGAN)
    counted = timeline(many.snapshot.db, query, None, None, 50, exactly=True)
    assert sum(bucket.total for bucket in counted.buckets) == many.snapshot.actions(query).total


def test_a_page_of_a_common_state_costs_what_it_holds(many: Many) -> None:
    """And not what is stored: what is in no order is only checked where there is much of it."""
    page = ActionQuery(equal={"state": ("Success",)}, limit=25)
    assert steps(many.snapshot.db, lambda: many.snapshot.actions(page)) < 1500
