"""From the URL of a store to the engine that keeps it."""

from collections.abc import Callable, Mapping

from deedbook.domain.errors import StoreUnusable
from deedbook.domain.store.place import Place
from deedbook.domain.store.postgres.place import postgres_place
from deedbook.domain.store.sqlite.place import sqlite_place

#: What makes a place of a URL, by its scheme.
ENGINES: Mapping[str, Callable[[str], Place]] = {
    "sqlite": sqlite_place,
    "postgresql": postgres_place,
    "postgres": postgres_place,
}


def place_of(url: str) -> Place:
    """Return the place that a URL names; raises `StoreUnusable`, never showing a password."""
    scheme = url.partition(":")[0]
    if scheme not in ENGINES:
        # Not the URL itself: it may hold a password anywhere.
        raise StoreUnusable(
            "DEEDBOOK_URL names the store as sqlite:///relative/log.db, sqlite:////absolute/log.db (three or four"
            " slashes) or postgresql://user@host/database, and begins otherwise here."
        )
    return ENGINES[scheme](url)
