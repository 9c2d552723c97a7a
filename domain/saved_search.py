"""The SavedSearch aggregate: the filters that a namespace keeps under a name."""

from uuid import UUID, uuid5

from msgspec import Struct

from deedbook.domain.events import SearchEvent, SearchSaved

_SEARCHES = UUID("5a1e7d1c-3c43-4b0e-9a53-0a6c1f2d7b19")


class SavedSearch(Struct, frozen=True, gc=False):
    """What is kept under one name: the query string of filters, None where nothing is."""

    query: str | None = None


def search_id(namespace: str, name: str) -> UUID:
    """Return the id of the aggregate that holds what is saved under a name."""
    return uuid5(_SEARCHES, f"{namespace}\n{name}")


def evolve(_search: SavedSearch | None, _aggregate: UUID, event: SearchEvent) -> SavedSearch:
    """Return what is kept after `event`."""
    return SavedSearch(event.query if isinstance(event, SearchSaved) else None)
