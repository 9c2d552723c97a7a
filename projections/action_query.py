"""What can be asked of the action list, and how it is answered: through the index that has the least to read.

Every filter of equality is a set of terms, whose totals are known. The smallest one drives: its index gives the
actions in the order of the list, and the other filters are checked on each. So a page costs what it returns, and the
total of a single filter is read, not counted.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct
from sqlite_utils import Database

from deedbook.projections.terms import numbers

#: More alternatives than this are not merged in order, but sorted: SQLite joins at most 500 selects.
MERGED = 50

#: Up to so many actions, a range of end dates is read through its own index and sorted.
SORTED = 10_000


class ActionQuery(Struct, frozen=True, kw_only=True):
    """A question to the list; filters are combined with AND, the values of one with OR.

    namespace None is all of them. `equal` is by field of `terms.FIELDS`. Ranges are microseconds since the epoch, both
    ends included, None open. `include_related` widens `object` to all that is or was above or below it.
    """

    namespace: str | None = None
    uuids: tuple[UUID, ...] = ()
    uuid_prefix: str | None = None
    equal: Mapping[str, tuple[str, ...]] = {}
    object: str | None = None
    include_related: bool = False
    start_from: int | None = None
    start_to: int | None = None
    end_from: int | None = None
    end_to: int | None = None
    newest_first: bool = False
    limit: int = 25
    offset: int = 0


class Page(NamedTuple):
    """Some actions as JSON, in order, and how many there are in all."""

    total: int
    documents: list[bytes]


class _Branch(NamedTuple):
    """A part of an answer, in order: no action is in two branches.

    `key` is the table whose `sort` and `id` the index gives in order: actions as `a`, or `listed` as `l`, which is
    joined with actions only where another filter has to look at them.
    """

    tables: str
    condition: str
    parameters: tuple[object, ...]
    key: str = "a"


class _Driver(NamedTuple):
    """A way to read the list: its branches hold `total` actions before the other filters."""

    total: int
    branches: Sequence[_Branch]
    #: The same as a condition on one action, for when another drives.
    check: str
    parameters: tuple[object, ...]


def page(db: Database, query: ActionQuery) -> Page:
    """Answer a query from the views as they are in the open transaction."""
    drivers = list(_drivers(db, query))
    best = min(drivers, key=lambda driver: driver.total)
    others = [driver for driver in drivers if driver is not best and driver.check]
    bounds = _bounds(query)
    branches = [_narrowed(branch, others, bounds) for branch in best.branches]
    if not best.total or query.limit < 0:
        return Page(0, [])
    # The namespace is in every term: as another filter beside them it takes nothing away.
    exact = not bounds and all(other.check == _IMPLIED for other in others)
    total = best.total if exact and not query.uuids and query.uuid_prefix is None else _count(db, branches)
    return Page(total, _documents(db, branches, query))


_IMPLIED = "1"


def _drivers(db: Database, query: ActionQuery) -> Iterable[_Driver]:
    """Return every way to read what a query asks for."""
    filtered = False
    if query.uuids or query.uuid_prefix is not None:
        yield _by_uuid(query)
    if query.object is not None:
        filtered = True
        yield _by_object(db, query.namespace, query.object, related=query.include_related)
    for field, values in query.equal.items():
        filtered = True
        yield _by_terms(field, numbers(db, query.namespace, field, values))
    if query.end_from is not None or query.end_to is not None:
        yield from _by_end(db, query)
    yield _everything(db, query.namespace, implied=filtered)


def _by_uuid(query: ActionQuery) -> _Driver:
    ranges = [(uuid.bytes, uuid.bytes) for uuid in query.uuids]
    if query.uuid_prefix is not None:
        ranges.append(_span(query.uuid_prefix))
    check = " AND " if query.uuids and query.uuid_prefix is not None else " OR "
    if query.uuids and query.uuid_prefix is not None:
        low, high = ranges.pop()
        among = " OR ".join(["a.uuid = ?"] * len(ranges))
        condition = f"({among}){check}a.uuid BETWEEN ? AND ?"
        parameters: tuple[object, ...] = (*(low for low, _ in ranges), low, high)
    else:
        condition = "(" + check.join(["a.uuid BETWEEN ? AND ?"] * len(ranges)) + ")"
        parameters = tuple(end for span in ranges for end in span)
    branch = _Branch("actions AS a INDEXED BY actions_by_uuid", condition, parameters)
    return _Driver(1, [branch], "", ())


def _span(prefix: str) -> tuple[bytes, bytes]:
    digits = prefix.replace("-", "").lower()
    return bytes.fromhex(digits.ljust(32, "0")), bytes.fromhex(digits.ljust(32, "f"))


def _by_terms(field: str, terms: Sequence[tuple[int, int]]) -> _Driver:
    total = sum(count for _, count in terms)
    ids = tuple(term for term, _ in terms)
    check = f"a.{field} IN ({','.join('?' * len(ids))})"
    if len(ids) > MERGED:
        return _Driver(total, [_Branch(f"actions AS a INDEXED BY actions_by_{field}", check, ids)], check, ids)
    table = f"actions AS a INDEXED BY actions_by_{field}"
    return _Driver(total, [_Branch(table, f"a.{field} = ?", (term,)) for term in ids], check, ids)


def _by_object(db: Database, namespace: str | None, uri: str, *, related: bool) -> _Driver:
    own = numbers(db, namespace, "object", (uri,))
    exact = _by_terms("object", own)
    if not related:
        return exact
    drivers = [exact]
    for term, _ in own:
        drivers += _related(db, term)
    check = " OR ".join(driver.check for driver in drivers)
    return _Driver(
        sum(driver.total for driver in drivers),
        [branch for driver in drivers for branch in driver.branches],
        f"({check})",
        tuple(parameter for driver in drivers for parameter in driver.parameters),
    )


def _related(db: Database, term: int) -> list[_Driver]:
    """Return what is or was below an object, then what is or was above it and never below."""
    below = db.execute("SELECT total FROM listed_totals WHERE term = ?", (term,)).fetchone()
    listed = "EXISTS (SELECT 1 FROM listed AS l WHERE l.term = ? AND l.sort = a.sort AND l.id = a.id)"
    branch = _Branch("listed AS l", "l.term = ?", (term,), "l")
    above = list(db.execute(
        "SELECT id, total FROM ancestry JOIN terms ON id = above WHERE below = ?1"
        " AND NOT EXISTS (SELECT 1 FROM ancestry AS back WHERE back.below = ancestry.above AND back.above = ?1)",
        (term,),
    ))  # fmt: skip
    return [_Driver(below[0] if below else 0, [branch], listed, (term,)), _by_terms("object", above)]


def _by_end(db: Database, query: ActionQuery) -> Iterable[_Driver]:
    """Drive by the end date where few ended in the range; else the range is checked on each (`_bounds`)."""
    bounds = _bounds(ActionQuery(end_from=query.end_from, end_to=query.end_to))
    conditions, parameters = zip(*bounds, strict=True)
    condition = " AND ".join(conditions)
    (found,) = db.execute(
        "SELECT count(*) FROM (SELECT 1 FROM actions AS a INDEXED BY actions_by_end"
        f" WHERE {condition} LIMIT {SORTED + 1})",
        parameters,
    ).fetchone()
    if found <= SORTED:
        branch = _Branch("actions AS a INDEXED BY actions_by_end", "1", ())
        yield _Driver(found, [branch], "", ())


def _everything(db: Database, namespace: str | None, *, implied: bool) -> _Driver:
    if namespace is None:
        (total,) = db.execute("SELECT coalesce(sum(total), 0) FROM terms WHERE field = 'namespace'").fetchone()
        return _Driver(total, [_Branch("actions AS a INDEXED BY actions_by_sort", "1", ())], _IMPLIED, ())
    driver = _by_terms("namespace", numbers(db, namespace, "namespace", ("",)))
    return driver._replace(check=_IMPLIED, parameters=()) if implied else driver


def _bounds(query: ActionQuery) -> list[tuple[str, int]]:
    """Return the ranges as conditions. Where there is a start date it is what the order goes by."""
    bounds = []
    for condition, value in (
        ("a.sort >= ? AND a.start IS NOT NULL", query.start_from),
        ("a.sort <= ? AND a.start IS NOT NULL", query.start_to),
        ('a."end" >= ?', query.end_from),
        ('a."end" <= ?', query.end_to),
    ):
        if value is not None:
            bounds.append((condition, value))
    return bounds


def _narrowed(branch: _Branch, others: Sequence[_Driver], bounds: Sequence[tuple[str, int]]) -> _Branch:
    checks = (other.check for other in others if other.check != _IMPLIED)
    conditions = [branch.condition, *checks, *(bound for bound, _ in bounds)]
    parameters = (
        *branch.parameters,
        *(parameter for other in others for parameter in other.parameters),
        *(value for _, value in bounds),
    )
    looked_at = branch.key == "l" and len(conditions) > 1
    tables = f"{branch.tables} CROSS JOIN actions AS a ON a.id = l.id" if looked_at else branch.tables
    return _Branch(tables, " AND ".join(conditions), parameters, branch.key)


def _select(branches: Sequence[_Branch]) -> tuple[str, list[object]]:
    selects = (
        f"SELECT {branch.key}.sort AS sort, {branch.key}.id AS id FROM {branch.tables} WHERE {branch.condition}"
        for branch in branches
    )
    return " UNION ALL ".join(selects), [value for branch in branches for value in branch.parameters]


def _count(db: Database, branches: Sequence[_Branch]) -> int:
    statement, parameters = _select(branches)
    return int(db.execute(f"SELECT count(*) FROM ({statement})", parameters).fetchone()[0])


def _documents(db: Database, branches: Sequence[_Branch], query: ActionQuery) -> list[bytes]:
    statement, parameters = _select(branches)
    way = "DESC" if query.newest_first else "ASC"
    rows = db.execute(
        f"WITH page AS MATERIALIZED ({statement} ORDER BY sort {way}, id {way} LIMIT ? OFFSET ?)"
        f" SELECT json FROM page JOIN documents USING (id) ORDER BY sort {way}, page.id {way}",
        [*parameters, query.limit, query.offset],
    )
    return [row[0] for row in rows]
