"""The parent-child index: what is directly above what, since when and until when, and all that is or was above it.

`relationships` has a row for each time that a relationship held. `ancestry` has each pair of objects one of which is
or was above the other, at any depth; history does not vanish, so pairs are only ever added.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct
from sqlite_utils import Database

from deedbook.projections.prepared import Relation
from deedbook.projections.terms import Terms

#: At the most so many objects' ancestors are kept in memory while events are folded.
CACHE = 200_000


class Relationship(Struct, frozen=True):
    """A relationship as the API tells it: `uri` is the object that was asked for's relative, `until` None holds on."""

    namespace: str
    uri: str
    parent: str
    child: str
    since: int
    until: int | None


class Relations:
    """The fold of relationship events."""

    def __init__(self, db: Database, terms: Terms) -> None:
        self._db = db
        self._terms = terms
        self._above: dict[int, tuple[int, ...]] = {}

    @staticmethod
    def create(db: Database) -> None:
        """Make the tables."""
        columns = {"position": int, "namespace": str, "child": str, "parent": str, "since": int, "until": int}
        table = db.create_table("relationships", columns, pk="position", not_null=set(columns) - {"until"}, strict=True)
        table.create_index(["child", "namespace", "parent"], "relationships_by_child")
        table.create_index(["parent", "namespace", "child"], "relationships_by_parent")
        db.execute(
            "CREATE TABLE ancestry (below INTEGER, above INTEGER, since INTEGER NOT NULL, PRIMARY KEY (below, above))"
            " STRICT, WITHOUT ROWID"
        )
        db.table("ancestry").create_index(["above", "below"], "ancestry_by_above")

    def above(self, term: int) -> tuple[int, ...]:
        """Return the terms of all objects that are or were above one."""
        known = self._above.get(term)
        if known is None:
            if len(self._above) >= CACHE:
                self._above.clear()
            rows = self._db.execute("SELECT above FROM ancestry WHERE below = ? ORDER BY above", (term,))
            known = self._above[term] = tuple(row[0] for row in rows)
        return known

    def state(self, relation: Relation) -> Sequence[tuple[int, int]]:
        """Fold a relationship that began; return the pairs (below, above) that are new by it."""
        position, namespace, child_uri, parent_uri, since, _ = relation
        self._db.execute(
            "INSERT INTO relationships VALUES (?, ?, ?, ?, ?, NULL)",
            (position, namespace, child_uri, parent_uri, since),
        )
        child = self._terms.number(namespace, "object", child_uri)
        parent = self._terms.number(namespace, "object", parent_uri)
        lower = [child, *self._column("SELECT below FROM ancestry WHERE above = ?", child)]
        upper = [parent, *self._column("SELECT above FROM ancestry WHERE below = ?", parent)]
        pairs = [pair for pair in _pairs(lower, upper) if not self._holds(pair)]
        self._db.conn.executemany("INSERT INTO ancestry VALUES (?, ?, ?)", [(*pair, position) for pair in pairs])
        if pairs:
            self._above.clear()
        return pairs

    def end(self, relation: Relation) -> None:
        """Fold a relationship that ended: it stays in the ancestry."""
        self._db.execute(
            "UPDATE relationships SET until = ? WHERE namespace = ? AND child = ? AND parent = ? AND until IS NULL",
            (relation.at, relation.namespace, relation.child, relation.parent),
        )

    def forget(self) -> None:
        """Drop what is in memory: the transaction that it was read or written in was undone."""
        self._above.clear()

    def _holds(self, pair: tuple[int, int]) -> bool:
        found = self._db.execute("SELECT 1 FROM ancestry WHERE below = ? AND above = ?", pair).fetchone()
        return found is not None

    def _column(self, statement: str, term: int) -> list[int]:
        return [row[0] for row in self._db.execute(statement, (term,))]


def _pairs(lower: Iterable[int], upper: Sequence[int]) -> dict[tuple[int, int], None]:
    """Return each pair once, in order; over time a cycle may arise, and nothing is above itself."""
    return dict.fromkeys((below, above) for below in lower for above in upper if below != above)


def relatives(db: Database, namespace: str | None, uri: str, *, above: bool, limit: int) -> list[Relationship]:
    """Return the relationships, present and past, on all ways up (or down) from an object, nearest first.

    At most `limit`; each time that a relationship held is one entry, and a cycle over time is walked once. With
    namespace None each namespace is walked on its own: no way crosses from one to another.
    """
    namespaces = [namespace] if namespace is not None else _namespaces(db, uri)
    found: list[Relationship] = []
    for one in namespaces:
        found += _walk(db, one, uri, ("child", "parent") if above else ("parent", "child"), limit - len(found))
    return found


def _walk(db: Database, namespace: str, uri: str, way: tuple[str, str], limit: int) -> list[Relationship]:
    here, there = way
    found: list[Relationship] = []
    ring, seen = [uri], {uri}
    while ring and len(found) < limit:
        following: list[str] = []
        for place in ring:
            for child, parent, since, until in db.execute(
                f"SELECT child, parent, since, until FROM relationships WHERE {here} = ? AND namespace = ?"
                " ORDER BY position LIMIT ?",
                (place, namespace, limit - len(found)),
            ):
                relative = parent if there == "parent" else child
                found.append(Relationship(namespace, relative, parent, child, since, until))
                following.append(relative)
        ring = [relative for relative in dict.fromkeys(following) if relative not in seen]
        seen.update(ring)
    return found


def _namespaces(db: Database, uri: str) -> list[str]:
    rows = db.execute(
        "SELECT namespace FROM relationships WHERE child = ?1"
        " UNION SELECT namespace FROM relationships WHERE parent = ?1",
        (uri,),
    )
    return [row[0] for row in rows]
