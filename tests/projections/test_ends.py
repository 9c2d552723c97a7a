"""What ended between two dates is found in the order of the list, however long it took and whatever clocks said."""

import random
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlite_utils import Database

from deedbook.projections import ends
from deedbook.projections.actions import Actions
from deedbook.projections.ends import Range
from deedbook.projections.moment import Branch
from deedbook.projections.rows import insert_rows
from deedbook.projections.selection import union
from deedbook.projections.terms import FIELDS
from tests.support.steps import steps

#: Dates of starts, close to each other, so that some are the same.
STARTS = st.integers(10**15, 10**15 + 20)

#: Durations around those at which an order of magnitude ends, in both directions.
DURATIONS = st.builds(
    lambda power, more, sign: sign * max(0, 8**power + more),
    st.integers(0, 14), st.integers(-1, 0), st.sampled_from([-1, 1]),
)  # fmt: skip


class Row(NamedTuple):
    """An action's namespace, its date in the order, and its end."""

    namespace: int
    sort: int
    end: int | None


ROWS = st.lists(
    st.builds(
        lambda namespace, sort, duration: Row(namespace, sort, None if duration is None else sort + duration),
        st.integers(1, 2), STARTS, st.none() | DURATIONS,
    ),
    max_size=30,
)  # fmt: skip


@contextmanager
def table(rows: Sequence[Row]) -> Iterator[Database]:
    """Give a table of actions with these dates."""
    others = [1] * (len(FIELDS) - 1)
    with closing(Database(memory=True)) as db:
        Actions.create(db)
        insert_rows(db, "actions", [
            (at, at.to_bytes(16, "big"), 1, row.namespace, *others, row.sort, row.sort, row.end, 0, at, at)
            for at, row in enumerate(rows, 1)
        ])  # fmt: skip
        ends.create_indexes(db)
        yield db


def places(db: Database, branches: Sequence[Branch]) -> list[tuple[int, int]]:
    """Return the places of what is in the branches, in order."""
    statement, parameters = union(branches)
    return list(db.execute(f"{statement} ORDER BY sort, id", parameters))


@given(rows=ROWS, data=st.data())
def test_all_that_ended_in_a_range_and_nothing_else(rows: list[Row], data: st.DataObject) -> None:
    """Of some namespaces: by ends, by lengths, counted, and within the range of starts that the ends imply."""
    dates = st.sampled_from([end + by for row in rows if (end := row.end) is not None for by in (-1, 0, 1)] or [0])
    ended = Range(*data.draw(st.tuples(st.none() | dates, st.none() | dates).filter(any)))
    namespaces = data.draw(st.lists(st.sampled_from([1, 2]), unique=True))
    found = sorted(
        (row.sort, at)
        for at, row in enumerate(rows, 1)
        if row.namespace in namespaces
        and row.end is not None
        and (ended.low is None or ended.low <= row.end)
        and (ended.high is None or row.end <= ended.high)
    )
    with table(rows) as db:
        assert places(db, ends.in_order(db, namespaces, ended)) == found
        assert len(places(db, ends.by_end(namespaces, ended))) == ends.number(db, namespaces, ended) == len(found)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ends, "RANKED", 0)
            assert ends.number(db, namespaces, ended) == len(found)
        started = ends.started(db, namespaces, ended)
        assert all(started.low is None or started.low <= sort for sort, _ in found)
        assert all(started.high is None or sort <= started.high for sort, _ in found)


def cost(db: Database, branches: Sequence[Branch], way: str) -> int:
    """Return how many hundreds of steps a page of what is in the branches takes."""
    statement, parameters = union(branches)
    page = f"{statement} ORDER BY sort {way}, id {way} LIMIT 25"
    assert len(db.execute(page, parameters).fetchall()) == 25
    return steps(db, lambda: db.execute(page, parameters).fetchall())


def test_a_page_costs_what_it_holds() -> None:
    """What ended by a date, newest first, or from one on, oldest first, is read from there, wherever that is."""
    rng = random.Random(1)
    starts = range(10**15, 10**15 + 30_000 * 10**6, 10**6)
    with table([Row(1, sort, sort + int(10 ** rng.uniform(3, 9.5))) for sort in starts]) as db:
        for start in starts[3000:-3000:3000]:
            for ended, way in ((Range(None, start), "DESC"), (Range(start, None), "ASC")):
                assert cost(db, ends.in_order(db, [1], ended), way) < 200
                alone = Branch("actions AS a INDEXED BY actions_by_end", "a.namespace = ?", (1,))
                assert cost(db, [alone], way) > 1000


def test_the_starts_that_ends_imply_are_near() -> None:
    """Where nothing took longer than an hour, what ended in a range started at most a few hours before it."""
    hour = 3600 * 10**6
    with table([Row(1, 10**15 + at, 10**15 + at + at * hour // 10) for at in range(10)]) as db:
        low, high = ends.started(db, [1], Range(10**15, 10**15))
        assert low is not None
        assert 10**15 - 8 * hour < low < 10**15 - hour
        assert high == 10**15
