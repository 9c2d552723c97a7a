"""The list, with every filter, finds what a naive search through all actions finds."""

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from deedbook.domain.action import Action, evolve
from deedbook.domain.events import ActionEvent, ParentStated
from deedbook.domain.lifecycle import State
from deedbook.domain.log import EventLog
from deedbook.domain.results import Command
from deedbook.domain.store.sqlite import SqliteStore
from deedbook.domain.testing import command_sequences, live
from deedbook.domain.testing.sequences import AGENTS, DATES, IPS, METHODS, NAMESPACES, OBJECTS, OPERATIONS, USERS
from deedbook.projections.action_query import ActionQuery, Place
from deedbook.projections.generations import Generations
from deedbook.projections.reader import Reader, Snapshot
from deedbook.projections.rebuild import build
from deedbook.projections.resource import decode
from deedbook.projections.search import words_of
from tests.support.shared import shared


class Naive(NamedTuple):
    """All that is in a log, in memory."""

    actions: list[tuple[int, Action]]
    edges: set[tuple[str, str, str]]


def naive(log: EventLog) -> Naive:
    """Fold a whole log as naively as possible."""
    positions: dict[UUID, int] = {}
    actions: dict[UUID, Action] = {}
    edges = set()
    for happened in log.read(0, 10_000):
        if isinstance(happened.event, ActionEvent):
            positions.setdefault(happened.aggregate, happened.position)
            before = actions.get(happened.aggregate)
            actions[happened.aggregate] = evolve(before, happened.aggregate, happened.event)
        elif isinstance(happened.event, ParentStated):
            edges.add((happened.event.namespace, happened.event.child, happened.event.parent))
    return Naive([(positions[name], action) for name, action in actions.items()], edges)


def reach(edges: set[tuple[str, str, str]], namespace: str, uri: str, step: int) -> set[str]:
    """Return all that is reached from an object, up (step 1) or down (step -1)."""
    found: set[str] = set()
    ring = {uri}
    while ring:
        ring = {edge[1:][::step][1] for edge in edges if edge[0] == namespace and edge[1:][::step][0] in ring} - found
        found |= ring
    return found


def matches(query: ActionQuery, action: Action, edges: set[tuple[str, str, str]]) -> bool:
    """Tell whether an action is one that a query asks for."""
    recorded = action.recorded
    fields = {
        "state": str(action.state), "user": recorded.user, "action": recorded.action, "method": recorded.method,
        "ip": recorded.ip, "agent": recorded.user_agent,
        "is_user_action": str(recorded.is_user_action).lower(),
    }  # fmt: skip
    objects = {query.object}
    if query.object is not None and query.include_related:
        for step in (1, -1):
            objects |= reach(edges, recorded.namespace, query.object, step)
    return (
        query.namespace in (None, recorded.namespace)
        and (query.object is None or recorded.object in objects)
        and all(fields[name] in values for name, values in query.equal.items())
        and all(
            any(
                word in (value or "").casefold()
                for value in (recorded.action, recorded.object, recorded.user, recorded.user_agent, recorded.ip)
            )
            for word in query.words
        )
        and (not query.uuids or action.id in query.uuids)
        and (query.uuid_prefix is None or action.id.hex.startswith(query.uuid_prefix.lower()))
        and within(action.start, query.start_from, query.start_to)
        and within(action.end, query.end_from, query.end_to)
    )


def within(date: int | None, low: int | None, high: int | None) -> bool:
    """Tell whether a date is in a range; no date is in none."""
    if low is None and high is None:
        return True
    return date is not None and (low is None or date >= low) and (high is None or date <= high)


def several(values: list[str | None]) -> st.SearchStrategy[tuple[str, ...]]:
    """Some of these values, and one that nothing has."""
    known = [value for value in values if value is not None]
    return st.lists(st.sampled_from([*known, "nobody"]), min_size=1, max_size=3, unique=True).map(tuple)


EQUAL = {
    "state": st.lists(st.sampled_from([str(state) for state in State]), min_size=1, max_size=3, unique=True).map(tuple),
    "user": several(USERS),
    "action": several([*OPERATIONS]),
    "method": several([*METHODS]),
    "ip": several(IPS),
    "agent": several(AGENTS),
    "is_user_action": st.sampled_from([("true",), ("false",)]),
}
WORDS = ["a", "AN", "/a/", "deploy", "DEPLOY", "url/8", "gRÖSSEN", "größen", "0.0.1", "e", "nobody", "/", "ou"]
BOUND = st.none() | st.none() | DATES
QUERIES = st.builds(
    ActionQuery,
    namespace=st.none() | st.sampled_from(NAMESPACES),
    equal=st.fixed_dictionaries({}, optional=EQUAL),
    uuids=st.just(()) | st.lists(st.integers(1, 30), max_size=3).map(
        lambda numbers: tuple(UUID(int=n << 64 | 0x4000 << 64 | 0x8000000000000000) for n in numbers)),
    uuid_prefix=st.none() | st.none() | st.sampled_from(["0", "00000000", "0000000000000001", "F"]),
    words=st.just(()) | st.lists(st.sampled_from(WORDS), max_size=3).map(lambda words: words_of(" ".join(words))),
    object=st.none() | st.sampled_from(OBJECTS),
    include_related=st.booleans(),
    start_from=BOUND,
    start_to=BOUND,
    end_from=BOUND,
    end_to=BOUND,
    newest_first=st.booleans(),
    limit=st.integers(1, 10),
    offset=st.integers(0, 10),
)  # fmt: skip


#: So few actions may be looked at for a total that most are bounds.
LITTLE = 1


def order(everything: Naive, query: ActionQuery) -> list[tuple[Place, str]]:
    """Return the places and ids of all actions that a query asks for, in its order."""
    return sorted(
        (
            (Place(action.recorded.created if action.start is None else action.start, position), str(action.id))
            for position, action in everything.actions
            if matches(query, action, everything.edges)
        ),
        reverse=query.newest_first,
    )


@contextmanager
def asked(history: list[Command]) -> Iterator[tuple[Snapshot, Naive]]:
    """Give the views of a history, and the same in memory."""
    with tempfile.TemporaryDirectory() as name, closing(SqliteStore(Path(name) / "log.db")) as store:
        live(store.audit_log, history)
        generations = Generations(Path(name))
        build(store.log, generations)
        with closing(Reader(generations)) as reader, reader.snapshot() as snapshot:
            yield snapshot, naive(store.log)


@pytest.mark.usefixtures("many")
@shared(30)
@given(
    history=command_sequences(),
    queries=st.lists(QUERIES, min_size=20, max_size=40),
    look=st.sampled_from([ActionQuery().look, LITTLE]),
)
def test_every_query_finds_what_a_naive_search_finds(
    history: list[Command], queries: list[ActionQuery], look: int
) -> None:
    """For any history and any combination of filters: the same actions, in the same order, and the same total.

    Only a total of free text, or of filters which each find more than may be looked at, may be a lower bound, and then
    says so.
    """
    with asked(history) as (snapshot, everything):
        for one in queries:
            query = structs.replace(one, look=look)
            expected = order(everything, query)
            page = snapshot.actions(query)
            found = [decode(document).uuid for document in page.documents]
            assert found == [one for _, one in expected[query.offset : query.offset + query.limit]]
            assert page.total == len(expected) if page.is_exact else page.total <= len(expected)
            assert page.is_exact or query.words or look == LITTLE
            assert page.has_more == (len(expected) > query.offset + query.limit)


@pytest.mark.usefixtures("many")
@shared(30)
@given(history=command_sequences(), queries=st.lists(QUERIES, min_size=5, max_size=10))
def test_pages_by_key_hold_all_in_order_there_and_back(history: list[Command], queries: list[ActionQuery]) -> None:
    """From any query's first page on, each beyond the last place, and back: every action once, in order."""
    with asked(history) as (snapshot, everything):
        for one in queries:
            query = structs.replace(one, offset=0)
            expected = [action for _, action in order(everything, query)]
            pages = [snapshot.actions(query)]
            while pages[-1].has_more:
                pages.append(snapshot.actions(structs.replace(query, beyond=pages[-1].last)))
            assert [decode(document).uuid for page in pages for document in page.documents] == expected
            for before, page in pairwise(pages):
                back = snapshot.actions(structs.replace(query, beyond=page.first, backwards=True))
                assert (back.documents, back.has_more) == (before.documents, before is not pages[0])
