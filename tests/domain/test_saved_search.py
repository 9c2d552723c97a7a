"""Saved searches: what is kept under a name is what was saved last, unless it was deleted since."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deedbook.domain.commands import DeleteSearch, SaveSearch
from deedbook.domain.decisions import perform
from deedbook.domain.errors import UnknownSearch
from deedbook.domain.events import Caller, SearchDeleted, SearchSaved
from deedbook.domain.results import SearchChanged
from deedbook.domain.saved_search import SavedSearch, evolve, search_id
from deedbook.domain.session import Batch
from deedbook.domain.testing.memory import MemoryLog

BY = Caller("ann")
ID = search_id("acme", "mine")
QUERIES = st.none() | st.text(max_size=5)


def save(query: str, name: str = "mine") -> SaveSearch:
    """Return a command to save."""
    return SaveSearch(namespace="acme", name=name, query=query, by=BY)


DELETE = DeleteSearch(namespace="acme", name="mine", by=BY)


@given(steps=st.lists(QUERIES, max_size=8))
def test_what_is_kept_is_what_was_saved_last(steps: list[str | None]) -> None:
    """Whatever was saved (a query) and deleted (none) before."""
    search = None
    for query in steps:
        event = (
            SearchDeleted(at=1, namespace="acme", name="mine", by=BY)
            if query is None
            else SearchSaved(at=1, namespace="acme", name="mine", query=query, by=BY)
        )
        search = evolve(search, ID, event)
        assert search == SavedSearch(query)


def test_a_search_is_saved_and_replaced() -> None:
    """Given none, when saved, then it is new; given one, then it was there. Who saved it stands on the event."""
    batch = Batch(MemoryLog(), {}, 5, 0)
    assert perform(batch, save("state=Failed"), None).result == SearchChanged("mine", was_there=False)
    assert perform(batch, save(""), None).result == SearchChanged("mine", was_there=True)
    assert perform(batch, save("", "other"), None).result == SearchChanged("other", was_there=False)
    assert batch.events[0].event == SearchSaved(at=5, namespace="acme", name="mine", query="state=Failed", by=BY)
    assert [new.version for new in batch.events] == [1, 2, 1]


def test_what_is_not_there_can_not_be_deleted() -> None:
    """Given none, or one that was deleted, when deleted, then it is refused; one with no filters is there."""
    batch = Batch(MemoryLog(), {}, 5, 0)
    with pytest.raises(UnknownSearch):
        perform(batch, DELETE, None)
    perform(batch, save(""), None)
    assert perform(batch, DELETE, None).result == SearchChanged("mine", was_there=True)
    with pytest.raises(UnknownSearch):
        perform(batch, DELETE, None)
    assert len(batch.events) == 2
