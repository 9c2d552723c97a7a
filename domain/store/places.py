"""From the URL of a store to the engine that keeps it."""

from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

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
    scheme = urlsplit(url).scheme
    if scheme not in ENGINES:
        # Not the URL itself: it may hold a password anywhere.
        raise StoreUnusable(
            "DEEDBOOK_URL names the store as sqlite:///relative/log.db, sqlite:////absolute/log.db (three or four"
            f" slashes) or postgresql://user@host/database; {scheme or 'a URL without a scheme'} is none of them."
        )
    return ENGINES[scheme](url)
