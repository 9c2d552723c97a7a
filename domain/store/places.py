"""From the URL of a store to the engine that keeps it."""

from collections.abc import Callable, Mapping

from deedbook.domain.errors import StoreUnusable
from deedbook.domain.log import EventLog
from deedbook.domain.store.place import Place
from deedbook.domain.store.replicated import Replicated
from deedbook.domain.store.sqlite.place import sqlite_place


def _postgres_place(url: str) -> Place:
    # Not before it is asked for: psycopg takes a sixth of the time in which the whole program begins.
    from deedbook.domain.store.postgres.place import postgres_place  # noqa: PLC0415

    return postgres_place(url)


#: What opens a replica, by the scheme of its URL.
_REPLICAS = ("postgresql", "postgres")

#: What makes a place of a URL, by its scheme.
ENGINES: Mapping[str, Callable[[str], Place]] = {
    "sqlite": sqlite_place,
    "postgresql": _postgres_place,
    "postgres": _postgres_place,
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


def replicated(primary: EventLog, url: str) -> tuple[Replicated, Callable[[], None]]:
    """Return a log that is read from the replica at a URL as far as that has it, and what closes the replica.

    Raises `StoreUnusable` where the URL names none, or one of another log; not where it is out of reach now.
    """
    if not primary.is_remote or url.partition(":")[0] not in _REPLICAS:
        raise StoreUnusable(
            "DEEDBOOK_READ_URL names a hot standby of the PostgreSQL database in DEEDBOOK_URL, as"
            " postgresql://user@host/database; leave it out for any other store."
        )
    from deedbook.domain.store.postgres.replica import PostgresReplica  # noqa: PLC0415  # as above

    replica = PostgresReplica(url)
    log = Replicated(primary, replica.log)
    try:
        log.check()
    except BaseException:
        replica.close()
        raise
    return log, replica.close
