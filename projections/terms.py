"""The dictionary of the views: each value of each filterable field, in each namespace, as a small number.

A number instead of a URI or a user's name keeps rows and indexes narrow, and row width decides the speed of a
rebuild. As a term belongs to one namespace, an index that starts with it holds nothing of another. `total` counts the
actions that have the term now: what `total_count` is answered from; `counted` is what it was at the term's last
milestone. `folded` is the value without regard to case, for free text; null where it is the same, or not looked for.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from sqlite_utils import Database

#: At the most so many terms are kept in memory while events are folded.
CACHE = 200_000

#: The fields that a list can be filtered by for equality; each is a column of `actions` with the term's number.
FIELDS = ("namespace", "object", "user", "action", "method", "ip", "agent", "is_user_action", "state")

#: The fields whose values free text is looked for in.
SEARCHED = ("action", "object", "user", "agent", "ip")

_PLACES = {field: place for place, field in enumerate(FIELDS)}


class Terms:
    """The dictionary while events are folded."""

    def __init__(self, db: Database) -> None:
        self._db = db
        #: By namespace: for each field, in order, the number of each value.
        self._cache: dict[str, list[dict[str, int]]] = {}
        self._cached = 0
        self._new: list[tuple[int, str, str, str, str | None]] = []
        self._totals: Counter[int] = Counter()
        self._next = 0

    @staticmethod
    def create(db: Database) -> None:
        """Make the table."""
        texts = dict.fromkeys(("namespace", "field", "value"), str)
        columns = {"id": int, **texts, "total": int, "counted": int, "folded": str}
        table = db.create_table("terms", columns, pk="id", not_null=set(columns) - {"folded"}, strict=True)
        table.create_index(["field", "value", "namespace"], "terms_by_value", unique=True)

    def number(self, namespace: str, field: str, value: str) -> int:
        """Return the number of a term, giving it the next one where it is new."""
        place = _PLACES[field]
        return self._known(namespace)[place].get(value) or self._look_up(namespace, place, value)

    def count(self, by: Mapping[int, int]) -> None:
        """Add to the totals of terms."""
        self._totals.update(by)

    def flush(self) -> None:
        """Write what was added since the last flush, in the transaction that is open."""
        connection = self._db.conn
        connection.executemany("INSERT INTO terms VALUES (?, ?, ?, ?, 0, 0, ?)", self._new)
        connection.executemany(
            "UPDATE terms SET total = total + ? WHERE id = ?",
            [(by, term) for term, by in self._totals.items() if by],
        )
        self._new.clear()
        self._totals.clear()
        if self._cached > CACHE:
            self._cache.clear()
            self._cached = 0

    def forget(self) -> None:
        """Drop what is in memory: the transaction that it was read or written in was undone."""
        self._cache.clear()
        self._new.clear()
        self._totals.clear()
        self._next = self._cached = 0

    def _known(self, namespace: str) -> list[dict[str, int]]:
        known = self._cache.get(namespace)
        if known is None:
            known = self._cache[namespace] = [{} for _ in FIELDS]
        return known

    def _look_up(self, namespace: str, place: int, value: str) -> int:
        field = FIELDS[place]
        row = self._db.execute(
            "SELECT id FROM terms WHERE field = ? AND value = ? AND namespace = ?", (field, value, namespace)
        ).fetchone()
        number = self._add(namespace, field, value) if row is None else int(row[0])
        self._cache[namespace][place][value] = number
        self._cached += 1
        return number

    def _add(self, namespace: str, field: str, value: str) -> int:
        if not self._next:
            self._next = self._db.execute("SELECT coalesce(max(id), 0) + 1 FROM terms").fetchone()[0]
        number = self._next
        self._next += 1
        folded = fold(value) if field in SEARCHED else value
        self._new.append((number, namespace, field, value, None if folded == value else folded))
        return number


def fold(text: str) -> str:
    """Return a text as it is compared without regard to case, by the rules of Unicode."""
    return text.casefold()


def numbers(db: Database, namespace: str | None, field: str, values: Sequence[str]) -> list[tuple[int, int]]:
    """Return number and total of each term with one of `values`: in one namespace, or (None) in any."""
    marks = ",".join("?" * len(values))
    scope = "" if namespace is None else " AND namespace = ?"
    return db.conn.execute(
        f"SELECT id, total FROM terms WHERE field = ? AND value IN ({marks}){scope} ORDER BY id",
        (field, *values, *(() if namespace is None else (namespace,))),
    ).fetchall()
