"""Kinds of actions: what several filters find together is counted and found without a search among what each finds."""

import random
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from threading import Event
from uuid import UUID

import pytest

from deedbook.domain.commands import Finish, RecordAction
from deedbook.domain.events import Caller
from deedbook.domain.lifecycle import State
from deedbook.domain.store.sqlite import SqliteStore
from deedbook.projections import kinds, selection
from deedbook.projections.action_query import ActionQuery
from deedbook.projections.page import Page
from deedbook.projections.reader import Snapshot
from deedbook.projections.resource import ActionResource, decode
from deedbook.projections.view import Views, connect, tracking
from tests.support.giving import give
from tests.support.steps import steps

ACTIONS, METHODS, AGENTS = ("Deploy", "Scale", "Stop"), ("GET", "POST"), ("cli", "ci", "console")
BY = Caller("ann")

#: Filters, each by a field of kinds or by the state.
VALUES = {
    "action": ACTIONS,
    "method": METHODS,
    "agent": AGENTS,
    "is_user_action": ("true", "false"),
    "state": ("Success", "Failed", "In progress", "Pending"),
}


def recorded(rng: random.Random, number: int) -> RecordAction:
    """Return one of many actions: nothing is stopped by GET; two are by the console, and these are of two kinds."""
    is_rare = number in (50, 2000)
    action = "Stop" if is_rare else rng.choice(ACTIONS)
    stops = action == "Stop"
    return RecordAction(
        id=UUID(int=number << 64 | 0x4000 << 64 | 1 << 63), namespace="acme", by=BY, action=action,
        method="POST" if stops else rng.choice(METHODS), path="/",
        user="ann" if number % 2 else "bob",
        user_agent="console" if is_rare else rng.choice(AGENTS[:2] if stops else AGENTS),
        is_user_action=number == 50 if is_rare else rng.random() < 0.5, start=number * 1_000_000,
        state=State.FAILED if number % 500 == 7 else State.IN_PROGRESS if rng.random() < 0.3 else State.SUCCESS,
    )  # fmt: skip


@pytest.fixture(scope="module")
def views(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snapshot]:
    """Give the live views of some thousand actions, of which those that go on ended in transactions of their own."""
    folder = tmp_path_factory.mktemp("kinds")
    yield from _viewed(folder, 4000)


def _viewed(folder: Path, number: int) -> Iterator[Snapshot]:
    rng = random.Random(1)
    store = SqliteStore(folder / "log.db")
    actions = [recorded(rng, number) for number in range(1, number + 1)]
    give(store.audit_log, actions)
    give(store.audit_log, [
        Finish(id=one.id, namespace="acme", by=BY, state=State.SUCCESS)
        for one in actions if one.state is State.IN_PROGRESS and rng.random() < 0.9
    ])  # fmt: skip
    views = Views(folder / "views.db")
    for start in range(0, store.log.head(), 500):
        views.apply(store.log.read(start, 500))
    views.close()
    db = connect(folder / "views.db")
    yield Snapshot(db, tracking(db), Event())
    db.close()
    store.close()


def questions() -> Iterator[ActionQuery]:
    """Return queries with two and three filters, of one value and of several, in both orders."""
    for number in (2, 3):
        for fields in combinations(VALUES, number):
            for at in range(3):
                equal = {field: VALUES[field][at % len(VALUES[field]) :][: 1 + at % 2] for field in fields}
                for newest_first in (False, True):
                    yield ActionQuery(namespace="acme", equal=equal, limit=5000, newest_first=newest_first)


@pytest.fixture(scope="module")
def everything(views: Snapshot) -> list[ActionResource]:
    """Return all actions, oldest first."""
    page = views.actions(ActionQuery(namespace="acme", limit=5000))
    return [decode(document) for document in page.documents]


def expected(everything: list[ActionResource], query: ActionQuery) -> list[str]:
    """Return the ids that a search through everything finds."""
    found = [one.uuid for one in everything if all(_value(one, field) in query.equal[field] for field in query.equal)]
    return found[::-1] if query.newest_first else found


def _value(one: ActionResource, field: str) -> str | None:
    match field:
        case "agent":
            return one.user_agent
        case "is_user_action":
            return str(one.is_user_action).lower()
    return str(getattr(one, field))


@pytest.mark.parametrize(
    ("looked_at", "merged", "sort_at_most"),
    [(2000, 50, 10_000), (2000, 1, 10_000), (2000, 1, 0), (3, 50, 10_000)],
    ids=["merged", "sorted", "walked", "more kinds than are looked at"],
)
def test_several_filters_find_what_a_search_finds(
    views: Snapshot,
    everything: list[ActionResource],
    monkeypatch: pytest.MonkeyPatch,
    looked_at: int,
    merged: int,
    sort_at_most: int,
) -> None:
    """Whichever way is taken; and exactly how many is told wherever counters tell it."""
    monkeypatch.setattr(kinds, "LOOKED_AT", looked_at)
    monkeypatch.setattr(selection, "MERGED", merged)
    monkeypatch.setattr(selection, "SORTED", sort_at_most)
    for query in questions():
        page = views.actions(query)
        found = expected(everything, query)
        assert [decode(document).uuid for document in page.documents] == found, query
        assert page.total == len(found)


def cost(views: Snapshot, query: ActionQuery) -> int:
    """Return how many hundreds of steps a page and its total take."""
    pages: list[Page] = []
    taken = steps(views.db, lambda: pages.append(views.actions(query)))
    assert pages[0].is_exact
    return taken


@pytest.mark.parametrize(
    "equal",
    [
        {"action": ("Stop",), "method": ("GET",)},
        {"action": ("Stop",), "agent": ("console",)},
        {"action": ("Stop",), "method": ("GET",), "state": ("Success",)},
        {"action": ("Stop",), "agent": ("console",), "state": ("Failed", "Success")},
        {"action": ("Deploy",), "method": ("GET",)},
        {"state": ("Success",), "agent": ("cli", "ci")},
    ],
    ids=str,
)
def test_rare_or_common_a_page_costs_what_it_holds(
    views: Snapshot, equal: dict[str, tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What nothing or next to nothing has is told as soon as what much has; without the counters it is searched for."""
    query = ActionQuery(namespace="acme", equal=equal, limit=25, look=100)
    taken = cost(views, query)
    assert taken < 30
    with monkeypatch.context() as patch:
        patch.setattr(kinds, "LOOKED_AT", 0)
        page = views.actions(query)
        assert page.is_exact == (page.total <= 25)
        if page.total < 25:
            assert cost(views, query) > 2 * taken


def test_what_is_sorted_is_searched_for_through_the_index(views: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of more kinds than are merged, few actions are read where they stand, and the index is not walked through."""
    query = ActionQuery(namespace="acme", equal={"action": ("Stop",), "agent": ("console",)}, limit=25)
    monkeypatch.setattr(selection, "MERGED", 0)
    assert len(views.actions(query).documents) == 2
    assert cost(views, query) < 30


def test_a_filter_that_drives_is_not_given_up_for_kinds(views: Snapshot) -> None:
    """What its own index tells of each of its actions need not be looked up in the rows of somewhat fewer others."""
    equal = {"action": ("Deploy", "Scale"), "method": ("POST",), "user": ("ann",)}
    best = selection.select(views.db, ActionQuery(namespace="acme", equal=equal)).best
    assert best.field == "user"


def test_a_kind_of_which_nothing_is_left_in_a_state_has_no_row(views: Snapshot) -> None:
    """The counters are those of the table, and of nothing else."""
    counted = views.db.execute("SELECT kind, state, count(*) FROM actions GROUP BY 1, 2 ORDER BY 1, 2").fetchall()
    assert views.db.execute("SELECT kind, state, total FROM kind_totals ORDER BY 1, 2").fetchall() == counted
    assert len({kind for kind, *_ in counted}) < 40


def test_there_are_as_many_kinds_as_numbers(tmp_path: Path) -> None:
    """Each combination has one number, in the order in which actions came with it, whatever is kept in memory."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kinds, "CACHE", 2)
        for views in _viewed(tmp_path, 500):
            rows = views.db.execute(
                "SELECT min(id), count(DISTINCT kind), kind FROM actions"
                " GROUP BY action, agent, method, is_user_action ORDER BY 1"
            ).fetchall()
            assert [number for *_, number in rows] == list(range(1, len(rows) + 1))
            assert {count for _, count, _ in rows} == {1}
