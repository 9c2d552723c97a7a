"""How many actions stand before a place in an order of the list: so a far page costs what a near one does.

There is an order for each term (`terms.py`), one for everything, and one for what is listed below each object; and one
for each namespace that goes by the dates at which its actions ended. Some actions are *marks*: one in `GAPS[0]` is one
of level 0, one in `GAPS[1]` of level 1 too. A mark's row in each order that the action is in tells how many stand
`before` it, from the mark of its level before that on. So what stands before any place is a sum of a few hundred rows,
and a count of about `GAPS[0]`; and what comes behind the last mark, which nearly all new actions do, changes no row.

Which actions are marks is told by their positions alone, spread evenly by a multiplication (Fibonacci hashing), and not
by how they came: so the rows are those of a rebuild, in whatever order actions were put into the list.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from sqlite_utils import Database

from deedbook.projections.terms import FIELDS

#: One action in so many is a mark of the level; each level's marks are some of those of the level below.
GAPS = (512, 32_768)

_BITS, _FACTOR, _SHIFT = 0x7FFFFFFF, 1_640_531_527, 16
_RANGE = (_BITS >> _SHIFT) + 1

#: The order of everything, in all namespaces; and what is added to a namespace's number for that of its ends.
EVERYTHING = 0
ENDS = 1 << 40

#: At the most so many orders' last marks are kept in memory while events are folded.
CACHE = 200_000

#: Where no mark is: before the first.
_NOWHERE = (-(2**63), 0)

#: An id that no action has: what is at the end is before it.
_ENDLESS = 2**63 - 1

#: A date and an action's id.
_Place = tuple[int, int]


class Order(NamedTuple):
    """An order: its `key` in the table, and in SQL how its actions are read through their index, and by which date."""

    key: int
    tables: str
    condition: str
    date: str = "sort"


@lru_cache(maxsize=10_000)
def order_of(field: str, term: int | str) -> Order:
    """Return the order of what has a term: a number, or what stands for one in SQL."""
    return Order(term if isinstance(term, int) else 0, f"actions INDEXED BY actions_by_{field}", f"{field} = {term}")


@lru_cache(maxsize=10_000)
def order_below(term: int) -> Order:
    """Return the order of what is listed below an object."""
    return Order(-term, "listed", f"term = {term}")


@lru_cache(maxsize=10_000)
def order_of_ends(namespace: int) -> Order:
    """Return the order in which the actions of a namespace, the number of its term, ended."""
    return Order(ENDS + namespace, _BY_END, f"namespace = {namespace}", '"end"')


_BY_END = "actions INDEXED BY actions_by_end"
_ALL = Order(EVERYTHING, "actions INDEXED BY actions_by_sort", "1")


class Standing(NamedTuple):
    """An action's place in an order."""

    order: Order
    sort: int
    id: int


def standings(terms: Sequence[int | None], above: Iterable[int], sort: int, action: int) -> list[Standing]:
    """Return where an action stands that has these terms, a field's each, and is listed below these objects.

    Of one without a namespace, only the other terms are asked for.
    """
    orders = [order_of(field, term) for field, term in zip(FIELDS, terms, strict=True) if term]
    everywhere = [_ALL] if terms[0] else []
    return [Standing(order, sort, action) for order in (*everywhere, *orders, *map(order_below, above))]


class Taken:
    """Places that actions take, all of a transaction: by the key of each order; those of marks as they stand, too.

    Nearly all are no marks, and of these a key is enough: measured, a fifth of what ranks cost of an import.
    """

    def __init__(self) -> None:
        self.places: defaultdict[int, list[_Place]] = defaultdict(list)
        self.marks: list[Standing] = []

    def take(self, one: Standing) -> None:
        """Take one place."""
        self.places[one.order.key].append((one.sort, one.id))
        if is_mark(one.id):
            self.marks.append(one)

    def take_all(self, terms: Sequence[int], above: Iterable[int], sort: int, action: int) -> None:
        """Take those of a new action, in each order that it stands in: see `standings`; a term that is 0 is none."""
        places, place = self.places, (sort, action)
        places[EVERYTHING].append(place)
        for term in terms:
            if term:
                places[term].append(place)
        for term in above:
            places[-term].append(place)
        if is_mark(action):
            self.marks += standings(terms, above, sort, action)


def create(db: Database) -> None:
    """Make the table."""
    db.execute(
        "CREATE TABLE ranks (term INTEGER, level INTEGER, sort INTEGER, id INTEGER, before INTEGER NOT NULL,"
        " PRIMARY KEY (term, level, sort, id)) STRICT, WITHOUT ROWID"
    )


def is_mark(position: int, level: int = 0) -> bool:
    """Tell whether the action at a position is a mark of a level."""
    return (position & _BITS) * _FACTOR % (_BITS + 1) >> _SHIFT < _RANGE // GAPS[level]


class Ranks:
    """The fold: told what came into an order and what left it, once the tables have it so."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._last: dict[int, tuple[int, int]] = {}

    def is_behind_all(self, sort: int, action: int) -> bool:
        """Tell whether a place is behind every mark of every order, and is none itself: then there is nothing to do."""
        return (sort, action) > self._last_of(EVERYTHING) and not is_mark(action)

    def is_behind(self, one: Standing) -> bool:
        """Tell the same of a place in one order."""
        return one[1:] > self._last_of(one.order.key) and not is_mark(one.id)

    def change(self, gone: Sequence[Standing], come: Taken) -> None:
        """Take in places that were left and taken, all of a transaction at once."""
        left = Taken()
        for one in gone:
            left.take(one)
        # First all rows that there are tell what is between them; then marks that are gone leave it to the next one.
        self._add(left, -1)
        self._add(come, 1)
        for level in range(len(GAPS)):
            for one in left.marks:
                if is_mark(one.id, level):
                    self._remove_mark(level, one)
        for level in range(len(GAPS)):
            for one in come.marks:
                if is_mark(one.id, level):
                    self._add_mark(level, one)

    def refill(self, order: Order) -> None:
        """Make the rows of one order anew, of what is in its table."""
        refill(self._db, order)
        self._last.pop(order.key, None)

    def forget(self) -> None:
        """Drop what is in memory: the transaction that it was read or written in was undone."""
        self._last.clear()

    def _last_of(self, key: int) -> tuple[int, int]:
        last = self._last.get(key)
        if last is None:
            if len(self._last) >= CACHE:
                self._last.clear()
            row = self._db.execute(
                "SELECT sort, id FROM ranks WHERE term = ? AND level = 0 ORDER BY sort DESC, id DESC LIMIT 1", (key,)
            ).fetchone()
            last = self._last[key] = row or _NOWHERE
        return last

    def _add(self, taken: Taken, by: int) -> None:
        """Count each place in the row of the mark behind it, at each level."""
        self._db.conn.executemany(
            "UPDATE ranks SET before = before + ? WHERE (term, level, sort, id) = (?, ?, ?, ?)",
            [
                (by * count, key, level, *mark)
                for key, places in taken.places.items()
                for level in range(len(GAPS))
                for mark, count in self._behind(key, level, sorted(places))
            ],
        )

    def _behind(self, key: int, level: int, places: Sequence[_Place]) -> Iterator[tuple[_Place, int]]:
        """Yield each mark that has some of these places before it, the nearest of its level, and how many.

        Actions come in the order of time, if not at its end: those that share a mark look for it once.
        """
        at, end = 0, bisect_left(places, self._last_of(key))
        while at < end:
            mark = self._db.execute(
                "SELECT sort, id FROM ranks WHERE term = ? AND level = ? AND (sort, id) > (?, ?)"
                " ORDER BY sort, id LIMIT 1",
                (key, level, *places[at]),
            ).fetchone()
            if mark is None:
                return
            before, at = at, bisect_left(places, mark, at)
            yield mark, at - before

    def _remove_mark(self, level: int, one: Standing) -> None:
        key = (one.order.key, level, one.sort, one.id)
        (before,) = self._db.execute(
            "DELETE FROM ranks WHERE (term, level, sort, id) = (?, ?, ?, ?) RETURNING before", key
        ).fetchone()
        self._to_next(before, level, one)
        self._last.pop(one.order.key, None)

    def _add_mark(self, level: int, one: Standing) -> None:
        key = one.order.key
        previous = self._db.execute(
            "SELECT sort, id FROM ranks WHERE term = ? AND level = ? AND (sort, id) < (?, ?)"
            " ORDER BY sort DESC, id DESC LIMIT 1",
            (key, level, one.sort, one.id),
        ).fetchone()
        before = self._between(level, one, previous or _NOWHERE)
        self._to_next(-before, level, one)
        self._db.execute("INSERT INTO ranks VALUES (?, ?, ?, ?, ?)", (key, level, one.sort, one.id, before))
        self._last[key] = max(self._last_of(key), (one.sort, one.id))

    def _between(self, level: int, one: Standing, previous: tuple[int, int]) -> int:
        """Count what stands from a mark on before another: in the order itself, or by the marks of the level below."""
        order, *place = one
        if level:
            statement = (
                f"SELECT coalesce(sum(before), 0) FROM ranks WHERE term = {order.key} AND level = {level - 1}"
                " AND (sort, id) > (?, ?) AND (sort, id) <= (?, ?)"
            )
        else:
            statement = _counting(order)
        return int(self._db.execute(statement, (*previous, *place)).fetchone()[0])

    def _to_next(self, by: int, level: int, one: Standing) -> None:
        self._db.execute(
            "UPDATE ranks SET before = before + ?5 WHERE (term, level, sort, id) = (SELECT term, level, sort, id"
            " FROM ranks WHERE term = ?1 AND level = ?2 AND (sort, id) > (?3, ?4) ORDER BY sort, id LIMIT 1)",
            (one.order.key, level, one.sort, one.id, by),
        )


def fill(db: Database) -> None:
    """Make all rows at once of tables that are whole, with their indexes."""
    chosen = _chosen(0)
    db.execute(f'CREATE TABLE marks AS SELECT id, sort, "end", {", ".join(FIELDS)} FROM actions WHERE {chosen}')
    _fill_order(db, f"SELECT {EVERYTHING} AS term, sort, id FROM marks", _ALL)
    for field in FIELDS:
        marks = f"SELECT {field} AS term, sort, id FROM marks WHERE {field} IS NOT NULL"
        _fill_order(db, marks, order_of(field, "mark.term"))
    marks = f"SELECT -term AS term, sort, id FROM listed WHERE {chosen}"
    _fill_order(db, marks, Order(0, "listed", "listed.term = -mark.term"))
    marks = f'SELECT {ENDS} + namespace AS term, "end" AS sort, id FROM marks WHERE "end" IS NOT NULL'
    _fill_order(db, marks, Order(0, _BY_END, f"namespace = mark.term - {ENDS}", '"end"'))
    db.execute("DROP TABLE marks")
    _fill_above(db, "1")


def refill(db: Database, order: Order) -> None:
    """Make the rows of one order anew."""
    db.execute("DELETE FROM ranks WHERE term = ?", (order.key,))
    marks = f"SELECT {order.key} AS term, sort, id FROM {order.tables} WHERE {order.condition} AND {_chosen(0)}"
    _fill_order(db, marks, order)
    _fill_above(db, f"term = {order.key}")


def _fill_order(db: Database, marks: str, order: Order) -> None:
    db.execute(
        f"INSERT INTO ranks WITH mark AS MATERIALIZED (SELECT term, sort, id,"
        f" lag(sort, 1, {_NOWHERE[0]}) OVER way AS from_sort, lag(id, 1, {_NOWHERE[1]}) OVER way AS from_id"
        f" FROM ({marks}) WINDOW way AS (PARTITION BY term ORDER BY sort, id))"
        f" SELECT term, 0, sort, id, ({_counting(order, 'from_sort', 'from_id', 'mark.sort', 'mark.id')}) FROM mark"
    )


def _fill_above(db: Database, scope: str) -> None:
    """Make the rows of each level above the first of those of the level below."""
    for level in range(1, len(GAPS)):
        db.execute(
            f"INSERT INTO ranks SELECT term, {level}, sort, id, through - lag(through, 1, 0) OVER way FROM ("
            " SELECT term, sort, id, sum(before) OVER (PARTITION BY term ORDER BY sort, id) AS through"
            f" FROM ranks WHERE level = {level - 1} AND {scope}) WHERE {_chosen(level)}"
            " WINDOW way AS (PARTITION BY term ORDER BY sort, id)"
        )


def _chosen(level: int) -> str:
    """Return `is_mark` in SQL."""
    return f"(id & {_BITS}) * {_FACTOR} % {_BITS + 1} >> {_SHIFT} < {_RANGE // GAPS[level]}"


def _counting(order: Order, *bounds: str) -> str:
    """Return how the actions of an order are counted, from a place on and before another: two pairs of date and id."""
    date, action, to_date, to_action = bounds or ("?1", "?2", "?3", "?4")
    counted = f"(SELECT count(*) FROM {order.tables} WHERE {order.condition} AND {order.date}"
    # Of one date each, SQLite finds the id in the index too, where nothing else stands before it there: measured where
    # thousands share a date, a tenth of the time of comparing both with both places along the dates.
    first = f"{counted} = {date} AND id >= {action} AND id < iif({date} = {to_date}, {to_action}, {_ENDLESS}))"
    between = f"{counted} > {date} AND {order.date} < {to_date})"
    last = f"{counted} = {to_date} AND id < iif({date} < {to_date}, {to_action}, 0))"
    return f"SELECT {first} + {between} + {last}"
