"""The searches that namespaces keep: the last query that was saved under each name, by whom and when."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlite_utils import Database

from deedbook.projections.prepared import Kept


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

    def keep(self, kept: Kept) -> None:
        """Keep a search in place of the one that had its name; or none, where it has no query."""
        if kept.query is None:
            self._db.execute("DELETE FROM searches WHERE namespace = ? AND name = ?", (kept.namespace, kept.name))
        else:
            self._db.execute("INSERT OR REPLACE INTO searches VALUES (?, ?, ?, ?, ?)", kept)


def searches(db: Database, namespace: str | None) -> Sequence[Search]:
    """Return what is saved in a namespace, or (None) in all, by name."""
    rows = db.execute(
        "SELECT * FROM searches WHERE ?1 IS NULL OR namespace = ?1 ORDER BY name, namespace", (namespace,)
    )
    return [Search(*row) for row in rows]
