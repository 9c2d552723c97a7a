"""Ranks: however far down a list a page is, and whatever two dates a total is between, they tell what counting does."""

import random
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from deedbook.domain.commands import ImportAction
from deedbook.domain.events import Caller
from deedbook.domain.lifecycle import State
from deedbook.domain.results import Command
from deedbook.domain.store.sqlite import SqliteStore
from deedbook.domain.testing import command_sequences
from deedbook.projections import page, ranks
from deedbook.projections.action_query import ActionQuery
from deedbook.projections.generations import Generations
from deedbook.projections.reader import Snapshot
from deedbook.projections.rebuild import build
from deedbook.projections.view import connect
from tests.benchmarks.filling import NAMESPACE
from tests.benchmarks.stores import viewed
from tests.projections.test_rebuild import kept_and_made
from tests.support.giving import give
from tests.support.objects import stack
from tests.support.steps import steps

#: Questions whose answers are orders that have ranks, alone or several at once.
QUESTIONS = (
    ActionQuery(),
    ActionQuery(namespace=NAMESPACE),
    ActionQuery(namespace=NAMESPACE, equal={"state": ("Failed",)}),
    ActionQuery(namespace=NAMESPACE, equal={"state": ("Failed", "Success")}),
    ActionQuery(namespace=NAMESPACE, equal={"method": ("GET",)}),
    ActionQuery(namespace=NAMESPACE, object=stack(0)),
    ActionQuery(namespace=NAMESPACE, object=stack(0), include_related=True),
)

SECOND = 1_000_000


@pytest.fixture(autouse=True, scope="module")
def _many_marks() -> Iterator[None]:
    """Let one action in two be a mark, and one in eight of the second level, so that few actions have many."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranks, "GAPS", (2, 8))
        patch.setattr(page, "_FAR", 0)
        yield


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snapshot]:
    """Give the views of 400 actions."""
    with viewed(tmp_path_factory.mktemp("ranks"), 400) as reader, reader.snapshot() as seen:
        yield seen


@settings(max_examples=25)
@given(history=command_sequences(), batches=st.lists(st.integers(1, 12), min_size=1, max_size=5))
def test_ranks_kept_equal_ranks_made(history: list[Command], batches: list[int]) -> None:
    """However the log was cut into transactions, and wherever actions were put, the ranks are those of a rebuild."""
    kept, made = kept_and_made(history, batches)
    assert kept["ranks"] == made["ranks"]


@pytest.mark.parametrize("batches", [[1], [100]])
def test_one_that_goes_on_with_an_end_leaves_it_when_it_ends(batches: list[int]) -> None:
    """An import may give what goes on an end already; when another import ends it at another date, it stands there."""
    history: list[Command] = []
    for number in range(1, 40):
        start, end = number * SECOND, (number + 2) * SECOND
        running = structs.replace(_imported(number, start), state=State.IN_PROGRESS, end=end)
        history += [running, structs.replace(running, state=State.SUCCESS, end=end + 3 * SECOND)]
    kept, made = kept_and_made(history, batches)
    assert kept["ranks"] == made["ranks"]
    assert any(isinstance(row[0], int) and row[0] > ranks.ENDS for row in made["ranks"])


def test_what_shares_a_date_costs_no_more_to_rank(tmp_path: Path) -> None:
    """Sources tell dates in whole seconds, and a busy one has thousands in one: not all are walked for each mark."""
    same, distinct = (_cost_of_ranks(tmp_path / str(apart), apart) for apart in (0, SECOND))
    assert same < 1.5 * distinct


def _cost_of_ranks(folder: Path, apart: int) -> int:
    """Return what it costs to rank the actions of a namespace, which begin so many microseconds apart."""
    folder.mkdir()
    with closing(SqliteStore(folder / "log.db")) as store:
        give(store.audit_log, [_imported(number, 10**15 + number * apart) for number in range(1, 600)])
        built = build(store.log, Generations(folder))
    with closing(connect(built)) as db:
        (namespace,) = db.execute("SELECT id FROM terms WHERE field = 'namespace'").fetchone()
        whole = "SELECT * FROM ranks ORDER BY term, level, sort, id"
        before = list(db.execute(whole))
        cost = steps(db, lambda: ranks.refill(db, ranks.order_of("namespace", namespace)))
        assert list(db.execute(whole)) == before
    return cost


def _imported(number: int, start: int) -> ImportAction:
    return ImportAction(
        id=UUID(int=number << 64 | 0x4000 << 64 | 1 << 63), namespace=NAMESPACE, by=Caller(), action="Deploy",
        method="POST", path="/", state=State.SUCCESS, start=start, end=start + SECOND, created=start,
    )  # fmt: skip


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("query", QUESTIONS)
def test_a_far_page_is_that_part_of_the_list(snapshot: Snapshot, query: ActionQuery, newest_first: bool) -> None:  # noqa: FBT001  # a parameter of the test
    """A page at any offset holds what the whole list holds there, in either order."""
    query = structs.replace(query, newest_first=newest_first, limit=500)
    whole = snapshot.actions(query).documents
    assert len(whole) > 10
    for offset in range(len(whole) + 2):
        here = snapshot.actions(structs.replace(query, offset=offset, limit=3))
        assert here.documents == whole[offset : offset + 3]
        assert here.total == len(whole)


@pytest.mark.parametrize("query", QUESTIONS)
def test_a_total_between_dates_is_what_is_found_there(snapshot: Snapshot, query: ActionQuery) -> None:
    """Between any two dates, or with one of them open, the total is the length of the list."""
    rng = random.Random(3)
    begin = 1_700_000_000 * SECOND
    for _ in range(40):
        low = begin + rng.randrange(-5, 405) * SECOND + rng.choice((-1, 0, 1))
        high = low + rng.randrange(-100, 400) * SECOND
        for span in ({"start_from": low}, {"start_to": high}, {"start_from": low, "start_to": high}):
            found = snapshot.actions(structs.replace(query, limit=500, **span))
            assert (found.total, found.is_exact) == (len(found.documents), True)


@pytest.mark.parametrize("namespace", [None, NAMESPACE])
def test_a_total_between_ends_is_what_ended_there(snapshot: Snapshot, namespace: str | None) -> None:
    """Between any two dates at which actions ended, or with one of them open, the total is the length of the list."""
    query = ActionQuery(namespace=namespace, limit=500)
    ends = [end for (end,) in snapshot.db.execute('SELECT "end" FROM actions WHERE "end" IS NOT NULL')]
    assert len(ends) > 10
    rng = random.Random(5)
    for _ in range(60):
        low, high = (rng.choice(ends) + rng.choice((-1, 0, 1)) for _ in range(2))
        for span in ({"end_from": low}, {"end_to": high}, {"end_from": low, "end_to": high}):
            found = snapshot.actions(structs.replace(query, **span))
            assert (found.total, found.is_exact) == (len(found.documents), True)
