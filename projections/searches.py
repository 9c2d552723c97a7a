"""The searches that namespaces keep: the last query that was saved under each name, by whom and when."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlite_utils import Database

from deedbook.domain.events import SearchDeleted, SearchSaved
from deedbook.domain.log import Happened


class Search(NamedTuple):
    """A saved search: `query` is the query string of the list's filters, `date` microseconds since the epoch."""

    namespace: str
    name: str
    query: str
    user: str | None
    date: int


class Searches:
    """The fold of search events: few, and each is written at once."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @staticmethod
    def create(db: Database) -> None:
        """Make the table."""
        columns = dict.fromkeys(("namespace", "name", "query", "user"), str) | {"date": int}
        db.create_table("searches", columns, pk=("namespace", "name"), not_null=set(columns) - {"user"}, strict=True)

    def save(self, happened: Happened) -> None:
        """Fold a search that was saved, in place of the one that had its name."""
        event = happened.event
        assert isinstance(event, SearchSaved)  # noqa: S101  # the view's table of folds says so
        self._db.execute(
            "INSERT OR REPLACE INTO searches VALUES (?, ?, ?, ?, ?)",
            (event.namespace, event.name, event.query, event.by.user, event.at),
        )

    def delete(self, happened: Happened) -> None:
        """Fold a search that was deleted."""
        event = happened.event
        assert isinstance(event, SearchDeleted)  # noqa: S101  # the view's table of folds says so
        self._db.execute("DELETE FROM searches WHERE namespace = ? AND name = ?", (event.namespace, event.name))


def searches(db: Database, namespace: str | None) -> Sequence[Search]:
    """Return what is saved in a namespace, or (None) in all, by name."""
    rows = db.execute(
        "SELECT * FROM searches WHERE ?1 IS NULL OR namespace = ?1 ORDER BY name, namespace", (namespace,)
    )
    return [Search(*row) for row in rows]
