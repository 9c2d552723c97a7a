"""What is new to a query, and the values that are offered for a filter."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from deedbook.domain.commands import Finish, RecordAction, RequestCancel
from deedbook.domain.events import Caller
from deedbook.domain.lifecycle import State
from deedbook.domain.results import Command
from deedbook.domain.testing import command_sequences
from deedbook.domain.testing.sequences import NAMESPACES
from deedbook.projections import arrivals
from deedbook.projections.action_query import ActionQuery
from deedbook.projections.reader import Snapshot
from deedbook.projections.resource import decode
from tests.projections.test_action_query import QUERIES, asked
from tests.support.shared import shared


def found(snapshot: Snapshot, query: ActionQuery, as_of: int | None) -> set[str]:
    """Return the ids of all that a query finds, now or as of a position."""
    if as_of == 0:
        return set()
    page = snapshot.actions(structs.replace(query, as_of=as_of, limit=10_000, offset=0))
    return {decode(document).uuid for document in page.documents}


@shared(60)
@given(
    history=command_sequences(),
    queries=st.lists(QUERIES, min_size=10, max_size=20),
    most=st.sampled_from([arrivals.MOST, 2]),
    data=st.data(),
)
def test_new_is_what_is_found_now_and_was_not_then(
    history: list[Command], queries: list[ActionQuery], most: int, data: st.DataObject
) -> None:
    """For any history, position and query: as many are new as the list has now, and had not as of the position.

    Where these are more than are counted, it is as many as that, and never what was there.
    """
    with asked(history) as (snapshot, _), pytest.MonkeyPatch.context() as patch:
        patch.setattr(arrivals, "MOST", most)
        for one in queries:
            query = structs.replace(one, include_related=False)
            after = data.draw(st.integers(0, snapshot.tracking.position))
            expected = found(snapshot, query, None) - found(snapshot, query, after)
            assert snapshot.arrived(query, after) == min(most, len(expected))


def test_what_was_there_is_not_new_where_much_has_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is found now stood behind all that is counted then: six have ended since, and the seventh is canceled."""
    ids = [UUID(int=number << 80 | 0x4000 << 64 | 1 << 63) for number in range(1, 8)]
    call: dict[str, Any] = {"namespace": "acme", "by": Caller(), "action": "Deploy", "method": "POST", "path": "/"}
    recorded = [RecordAction(id=one, state=State.IN_PROGRESS, **call) for one in ids]
    ended = [Finish(id=one, namespace="acme", by=Caller(), state=State.SUCCESS) for one in ids[:-1]]
    monkeypatch.setattr(arrivals, "MOST", 5)
    with asked([*recorded, *ended, RequestCancel(id=ids[-1], namespace="acme", by=Caller())]) as (snapshot, _):
        assert snapshot.arrived(ActionQuery(equal={"state": ("In progress", "Canceling")}), len(recorded)) == 0


@shared(40)
@given(history=command_sequences(), query=QUERIES.filter(lambda query: query.object is not None), data=st.data())
def test_what_is_recorded_on_related_objects_is_new(
    history: list[Command], query: ActionQuery, data: st.DataObject
) -> None:
    """With related objects, what was recorded since the position is new; what only became related since is not."""
    with asked(history) as (snapshot, everything):
        query = ActionQuery(namespace=query.namespace, object=query.object, include_related=True)
        after = data.draw(st.integers(0, snapshot.tracking.position))
        recorded = {str(action.id) for position, action in everything.actions if position > after}
        assert snapshot.arrived(query, after) == len(found(snapshot, query, None) & recorded)


@shared(40)
@given(
    history=command_sequences(),
    namespace=st.none() | st.sampled_from(NAMESPACES),
    part=st.sampled_from(["", "a", "DEPLOY", "/", "größen", "GRÖSSEN", "nobody"]),
)
def test_values_that_are_offered_are_those_of_actions(history: list[Command], namespace: str | None, part: str) -> None:
    """Every operation that an action in the namespace has and that holds the text, in whatever case; each once."""
    with asked(history) as (snapshot, everything):
        operations = {
            action.recorded.action
            for _, action in everything.actions
            if namespace in (None, action.recorded.namespace) and part.casefold() in action.recorded.action.casefold()
        }
        offered = snapshot.suggestions(namespace, "action", part, 10_000)
        assert len(offered) == len(set(offered))
        assert set(offered) == operations - {""}
