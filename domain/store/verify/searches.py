"""Saved searches: each stands under its name, and none is deleted that is not there."""

from deedbook.domain.events import SearchDeleted, SearchSaved
from deedbook.domain.saved_search import search_id
from deedbook.domain.store.verify.replay import Replay, Seen


def is_kept(replay: Replay, seen: Seen, event: SearchSaved | SearchDeleted) -> str | None:
    """What is saved or deleted stands under its name; what is deleted was saved."""
    if seen.aggregate != search_id(event.namespace, event.name).bytes:
        return f"it does not stand under the name {event.name!r}"
    if isinstance(event, SearchDeleted) and seen.aggregate not in replay.searches:
        return f"no search {event.name!r} was saved before"
    return None
