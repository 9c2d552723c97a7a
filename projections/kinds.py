"""Which kinds of actions there are, and how many of each are in each state: what several filters find together.

A *kind* is what stays the same of many actions: which operation, by which method and program, for a person or by
itself. A system has few of them, however many actions it has. So counters of kinds tell at once how many actions
several of these filters find; and where that is few, or none, they are looked up through the index of the kinds, in
the order of the list, instead of being searched for among all that one of the filters finds.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from sqlite_utils import Database

from deedbook.projections.moment import Branch
from deedbook.projections.parts import has

#: The fields that make a kind; each is a column with the number of a term, 0 where an action has none.
FIELDS = ("action", "agent", "method", "is_user_action")

#: The fields whose indexes tell the kind of each action too.
BESIDE = ("user", "object", "ip")

#: A kind as numbers of terms, in the order of `FIELDS`.
Key = tuple[int, ...]

#: At the most so many kinds are looked at for one question, in some 0.5 ms; of more, nothing is told.
LOOKED_AT = 2000

#: At the most so many kinds are kept in memory while events are folded.
CACHE = 100_000


class Kinds:
    """The kinds while events are folded."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._cache: dict[Key, int] = {}
        self._new: list[tuple[int, ...]] = []
        self._totals: Counter[tuple[int, int]] = Counter()
        self._next = 0

    def numbers(self, keys: Iterable[Key]) -> list[int]:
        """Return the number of each kind, giving those that are new the next ones in their order."""
        known = self._cache
        return [known.get(key) or self._look_up(key) for key in keys]

    def count(self, begun: Iterable[tuple[int, int]]) -> None:
        """Add actions to the totals: of each the numbers of its kind and its state."""
        self._totals.update(begun)

    def move(self, kind: int, before: int, now: int) -> None:
        """Count an action of a kind in another state."""
        self._totals[kind, before] -= 1
        self._totals[kind, now] += 1

    def flush(self) -> None:
        """Write what was added since the last flush, in the transaction that is open."""
        connection = self._db.conn
        connection.executemany("INSERT INTO kinds VALUES (?, ?, ?, ?, ?)", self._new)
        connection.executemany(
            "INSERT INTO kind_totals VALUES (?, ?, ?)"
            " ON CONFLICT (kind, state) DO UPDATE SET total = total + excluded.total",
            [(*place, by) for place, by in self._totals.items() if by],
        )
        # However the log was cut into parts, what nothing stands at now has no row.
        connection.executemany(
            "DELETE FROM kind_totals WHERE kind = ? AND state = ? AND total = 0",
            [place for place, by in self._totals.items() if by < 0],
        )
        self._new.clear()
        self._totals.clear()
        if len(self._cache) > CACHE:
            self._cache.clear()

    def forget(self) -> None:
        """Drop what is in memory: the transaction that it was read or written in was undone."""
        self._cache.clear()
        self._new.clear()
        self._totals.clear()
        self._next = 0

    def _look_up(self, key: Key) -> int:
        condition = " AND ".join(f"{field} = ?" for field in FIELDS)
        row = self._db.execute(f"SELECT id FROM kinds WHERE {condition}", key).fetchone()
        number = self._cache[key] = self._add(key) if row is None else int(row[0])
        return number

    def _add(self, key: Key) -> int:
        if not self._next:
            self._next = self._db.execute("SELECT coalesce(max(id), 0) + 1 FROM kinds").fetchone()[0]
        number = self._next
        self._next += 1
        self._new.append((number, *key))
        return number


def create(db: Database) -> None:
    """Make the tables: kinds are few, so their indexes cost nothing."""
    table = db.create_table("kinds", dict.fromkeys(("id", *FIELDS), int), pk="id", not_null=set(FIELDS), strict=True)
    table.create_index(list(FIELDS), "kinds_by_action", unique=True)
    for field in FIELDS[1:]:
        table.create_index([field], f"kinds_by_{field}")
    db.execute(
        "CREATE TABLE kind_totals (kind INTEGER, state INTEGER, total INTEGER NOT NULL, PRIMARY KEY (kind, state))"
        " STRICT, WITHOUT ROWID"
    )


def create_index(db: Database) -> None:
    """Make the index of the actions of a kind, by their states and in the order of the list."""
    db.table("actions").create_index(["kind", "state", "sort"], "actions_by_kind")


class InState(NamedTuple):
    """So many actions of a kind are in a state."""

    kind: int
    state: int
    total: int


def found(db: Database, terms: Mapping[str, Sequence[object]]) -> list[InState] | None:
    """Return what has, of each field, one of some terms: at least one of `FIELDS`, and "state", where that is asked.

    None where the kinds to look at are too many, or (in views of an older release) none are known.
    """
    if not has_kinds(db):
        return None
    first, *others = (field for field in FIELDS if field in terms)
    candidates = f"FROM kinds INDEXED BY kinds_by_{first} WHERE {among(first, terms[first])} LIMIT {LOOKED_AT + 1}"
    checked = [field for field in (*others, "state") if field in terms]
    rows = db.execute(
        f"SELECT NULL, NULL, count(*) FROM (SELECT 1 {candidates}) UNION ALL SELECT kind, state, total"
        f" FROM (SELECT * {candidates}) AS kinds CROSS JOIN kind_totals ON kind = kinds.id"
        f" WHERE {' AND '.join(among(field, terms[field]) for field in checked) or '1'}",
        [*terms[first], *terms[first], *(term for field in checked for term in terms[field])],
    ).fetchall()
    if rows[0][2] > LOOKED_AT:
        return None
    return [InState(*row) for row in rows[1:]]


def branches(of: Sequence[InState], merged: int) -> list[Branch]:
    """Return these actions in the order of the list: a branch for each; of more than `merged`, one that is sorted."""
    table = "actions AS a INDEXED BY actions_by_kind"
    if len(of) > merged:
        # No other pair of these has any action; and pairs would not be searched for, but the whole index be read.
        kinds, states = tuple({each.kind for each in of}), tuple({each.state for each in of})
        return [Branch(table, f"{among('a.kind', kinds)} AND {among('a.state', states)}", kinds + states)]
    return [Branch(table, "a.kind = ? AND a.state = ?", (kind, state)) for kind, state, _ in of]


def among(column: str, numbers: Collection[object]) -> str:
    """Return the condition that a column has one of some numbers, its parameters."""
    return f"{column} IN ({','.join('?' * len(numbers))})"


def has_kinds(db: Database) -> bool:
    """Tell whether kinds are known: in views of an older release there are none."""
    return has(db, "kinds")
