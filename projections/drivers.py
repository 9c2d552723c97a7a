"""The ways to read the action list: a driver for each filter that has an index.

The one that has the least to read drives: its branches give the actions in the order of the list, and the other filters
are checked on each. Of a moment of the past each driver finds what was there then: what stands where it stood, through
the same index as now, and what has moved since, through `past`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from sqlite_utils import Database

from deedbook.projections import ends, kinds, milestones, ranks, search
from deedbook.projections.action_query import ActionQuery
from deedbook.projections.ends import Range
from deedbook.projections.moment import NOW, OPEN, Branch, as_it_was, held, standing, unchanged, waited
from deedbook.projections.terms import numbers

#: Of few actions, more alternatives than this are not merged in order, but sorted.
MERGED = 50

#: Of many, more than this, which are then only checked on what another filter gives: SQLite joins at most 500 selects.
JOINED = 400

#: Up to so many actions are sorted, where no index has them in the order of the list.
SORTED = 10_000

#: Up to so many objects below one are made a list of, to check actions against: that takes two fifths of the time.
LISTED_BELOW = 1000

#: To tell by milestones how many actions an object had at a moment takes as long as to count so many: measured, 19 us.
ROWS_A_LOOK = 500

#: The total of a driver that never drives.
NEVER = 2**63

#: The check of a filter that every other one implies.
IMPLIED = "1"

Terms = Sequence[tuple[int, int]]


class Driver(NamedTuple):
    """A way to read the list: its branches hold about `total` actions before the other filters.

    check: the same as a condition on one action, for when another drives, with `Columns` for braces; parameters: of it.
    exactly: how many it holds, where that need not be counted one by one; is_dated: it holds only what is of the dates
    that are asked for; is_of_then: its branches are of the moment; field: what it has the terms of, as `parameters`.
    """

    total: int
    branches: Sequence[Branch]
    check: str
    parameters: tuple[object, ...]
    exactly: Callable[[], int] | None = None
    is_dated: bool = False
    is_of_then: bool = False
    field: str = ""


def drivers(db: Database, query: ActionQuery) -> Iterable[Driver]:
    """Return every way to read what a query asks for, as things are or as they were at its moment."""
    if query.uuids or query.uuid_prefix is not None:
        yield _by_uuid(query)
    of_terms = [] if query.object is None else [_by_object(db, query, query.object)]
    for field, values in query.equal.items():
        of_terms.append(
            _by_state(db, query, values)
            if field == "state"
            else _by_terms(db, query, field, numbers(db, query.namespace, field, values))
        )
    yield from of_terms
    filtered = bool(of_terms)
    is_driven = any(driver.total < NEVER for driver in of_terms)
    if is_driven and not query.words and query.end_from is query.end_to is None:
        # No filter finds more than there is, and all imply the namespace.
        return
    everything = _everything(db, query)
    for word in query.words:
        terms = search.found(db, query.namespace, word)
        if all(found.total < everything.total for found in terms.values()):
            filtered = True
            yield _by_word(query, word, terms)
    if query.end_from is not None or query.end_to is not None:
        yield from _by_end(db, query)
    # Every other filter's terms are of the namespace.
    yield everything._replace(check=IMPLIED, parameters=()) if filtered else everything


def bounds(query: ActionQuery) -> list[tuple[str, int]]:
    """Return the ranges as conditions. Where there is a start date it is what the order goes by."""
    found = []
    for condition, value in (
        ("{sort} >= ? AND {start} IS NOT NULL", query.start_from),
        ("{sort} <= ? AND {start} IS NOT NULL", query.start_to),
        ("{end} >= ?", query.end_from),
        ("{end} <= ?", query.end_to),
    ):
        if value is not None:
            found.append((condition, value))
    return found


def started(db: Database, query: ActionQuery) -> list[tuple[str, int]]:
    """Return what the range of ends tells of the place in the order, so that a walk begins near what it looks for.

    Not of the past: an action that an import gave an end may have another one now.
    """
    if query.end_from is query.end_to is None or query.as_of is not None:
        return []
    namespaces = namespaces_of(db, query)
    if len(namespaces) > MERGED:
        return []
    dates = ends.started(db, namespaces, Range(query.end_from, query.end_to))
    return [(f"{{sort}} {sign} ?", date) for sign, date in zip((">=", "<="), dates, strict=True) if date is not None]


def of_then(db: Database, query: ActionQuery, driver: Driver) -> Driver:
    """Return the driver that was chosen as it was at the query's moment: what stands where it stood, what waited."""
    if query.as_of is None or driver.is_of_then:
        return driver
    stood = [standing(db, branch, query.as_of) for branch in driver.branches]
    elsewhere = _checked(waited(db, query.namespace, query.as_of), driver.check, driver.parameters)
    return driver._replace(branches=[*stood, *elsewhere])


def _checked(branches: Iterable[Branch], check: str, parameters: tuple[object, ...]) -> list[Branch]:
    return [
        branch._replace(condition=f"{branch.condition} AND {check}", parameters=branch.parameters + parameters)
        for branch in branches
    ]


def _by_uuid(query: ActionQuery) -> Driver:
    conditions = [kinds.among("a.uuid", query.uuids)] if query.uuids else []
    parameters: tuple[object, ...] = tuple(uuid.bytes for uuid in query.uuids)
    if query.uuid_prefix is not None:
        conditions.append("a.uuid BETWEEN ? AND ?")
        parameters += _span(query.uuid_prefix)
    branch = Branch("actions AS a INDEXED BY actions_by_uuid", " AND ".join(conditions), parameters)
    if query.as_of is not None:
        branch = branch._replace(
            condition=f"{branch.condition} AND a.id <= {query.as_of}", columns=as_it_was(query.as_of)
        )
    return Driver(1, [branch], "", (), is_of_then=True)


def _span(prefix: str) -> tuple[bytes, bytes]:
    digits = prefix.replace("-", "").lower()
    return bytes.fromhex(digits.ljust(32, "0")), bytes.fromhex(digits.ljust(32, "f"))


def _by_terms(db: Database, query: ActionQuery, field: str, terms: Terms) -> Driver:
    """Return the driver by a field that no event moves."""
    total = sum(count for _, count in terms)
    ids = tuple(term for term, _ in terms)
    check = kinds.among(f"a.{field}", ids)
    table = f"actions AS a INDEXED BY actions_by_{field}"
    branches = [Branch(table, f"a.{field} = ?", (term,), ranked=term) for term in ids]
    if len(ids) > (MERGED if total <= SORTED else JOINED):
        branches = [Branch(table, check, ids)]
    # What is many, and in no order, would be sorted whole for each page.
    to_read = NEVER if len(ids) > JOINED and total > SORTED else total
    moment = query.as_of
    if moment is None:
        return Driver(to_read, branches, check, ids, lambda: total, field=field)
    return Driver(to_read, branches, check, ids, lambda: sum(
        milestones.total_at(db, field, term, now, moment) for term, now in terms), field=field)  # fmt: skip


def _by_state(db: Database, query: ActionQuery, states: Sequence[str]) -> Driver:
    """Return the driver by state: of a moment, what has not changed since, and what was in a state that it has left."""
    terms = numbers(db, query.namespace, "state", states)
    driver = _by_terms(db, query, "state", terms)._replace(check=kinds.among("{state}", terms))
    moment = query.as_of
    if moment is None:
        return driver
    left = held(db, query.namespace, [state for state in states if state in OPEN], moment)
    lost = sum(_count(db, branch) for branch in left)
    ended = numbers(db, query.namespace, "state", [state for state in states if state not in OPEN])
    still = _by_terms(db, query, "state", [one for one in terms if one not in ended]).branches

    def count() -> int:
        counted = sum(milestones.ended_at(db, term, total, moment) for term, total in ended)
        return lost + counted + sum(_count(db, unchanged(branch, moment)) for branch in still)

    # The index has what was recorded later too, mixed among the others: it is passed over.
    branches = [unchanged(standing(db, branch, moment), moment) for branch in driver.branches]
    return driver._replace(total=driver.total + lost, branches=[*branches, *left], exactly=count, is_of_then=True)


def _count(db: Database, branch: Branch) -> int:
    statement = f"SELECT count(*) FROM {branch.tables} WHERE {branch.condition}"
    return int(db.execute(statement, branch.parameters).fetchone()[0])


def _by_object(db: Database, query: ActionQuery, uri: str) -> Driver:
    own = numbers(db, query.namespace, "object", (uri,))
    found = [_by_terms(db, query, "object", own)]
    if not query.include_related:
        return found[0]
    for term, _ in own:
        found += _related(db, query, term)
    check = " OR ".join(driver.check for driver in found)
    parameters = tuple(parameter for driver in found for parameter in driver.parameters)
    if len(own) > MERGED:
        check, parameters = _near_many(query, [term for term, _ in own], found)
    return Driver(
        sum(driver.total for driver in found),
        _joined([branch for driver in found for branch in driver.branches]),
        f"({check})",
        parameters,
        lambda: sum(driver.exactly() for driver in found if driver.exactly is not None),
    )


def _near_many(query: ActionQuery, own: Sequence[int], found: Sequence[Driver]) -> tuple[str, tuple[object, ...]]:
    """Return the check for what is or was related to an object of many namespaces: SQLite takes no 1,000 of them."""
    then = "" if query.as_of is None else f" AND since <= {query.as_of}"
    beside = tuple(term for driver in found if driver.field == "object" for term in driver.parameters)
    within = f"EXISTS (SELECT 1 FROM ancestry WHERE {kinds.among('above', own)}{then} AND below = a.object)"
    return f"{kinds.among('a.object', beside)} OR {within}", (*beside, *own)


def _joined(branches: Sequence[Branch]) -> Sequence[Branch]:
    """Return branches by objects; where they are more than can be merged, all of an index in one, which is sorted."""
    if len(branches) <= JOINED:
        return branches
    found = []
    for key, column in (("a", "a.object"), ("l", "l.term")):
        same = [branch for branch in branches if branch.key == key]
        terms = tuple(parameter for branch in same for parameter in branch.parameters)
        if same:
            found.append(Branch(same[0].tables, kinds.among(column, terms), terms, key))
    return found


def _related(db: Database, query: ActionQuery, term: int) -> list[Driver]:
    """Return what is or was below an object, then what is or was above it and never below."""
    then = "" if query.as_of is None else f" AND {{alias}}since <= {query.as_of}"
    below = db.execute("SELECT total FROM listed_totals WHERE term = ?", (term,)).fetchone()
    total: int = below[0] if below else 0
    within = f"FROM ancestry WHERE above = ?{then.format(alias='')}"
    (objects,) = db.execute(f"SELECT count(*) FROM (SELECT 1 {within} LIMIT {LISTED_BELOW + 1})", (term,)).fetchone()
    check = f"a.object IN (SELECT below {within})"
    if objects > LISTED_BELOW:
        check = f"EXISTS (SELECT 1 {within} AND below = a.object)"
    branch = Branch("listed AS l", "l.term = ?", (term,), "l", ranked=-term)

    def count() -> int:
        if query.as_of is None:
            return total
        if objects <= LISTED_BELOW and objects * ROWS_A_LOOK < total:
            # What is listed below an object is what those below it have, each of them once.
            each = db.execute(f"SELECT id, total FROM terms WHERE id IN (SELECT below {within})", (term,)).fetchall()
            return sum(milestones.total_at(db, "object", one, now, query.as_of) for one, now in each)
        stood = standing(db, branch, query.as_of)
        elsewhere = _checked(waited(db, query.namespace, query.as_of), check, (term,))
        return sum(_count(db, one) for one in (stood, *elsewhere))

    above = list(db.execute(
        f"SELECT id, total FROM ancestry JOIN terms ON id = above WHERE below = ?1{then.format(alias='ancestry.')}"
        " AND NOT EXISTS (SELECT 1 FROM ancestry AS back WHERE back.below = ancestry.above AND back.above = ?1"
        f"{then.format(alias='back.')})",
        (term,),
    ))  # fmt: skip
    return [Driver(total, [branch], check, (term,), count), _by_terms(db, query, "object", above)]


def _by_word(query: ActionQuery, word: str, terms: Mapping[str, search.Found]) -> Driver:
    """Return the driver by a word of free text; where too much has it, it is only checked on what another gives."""
    total = sum(found.total for found in terms.values())
    is_one_by_one = sum(found.number for found in terms.values()) <= MERGED
    condition, parameters = search.check(query.namespace, word, terms)
    exactly = (lambda: total) if len(terms) == 1 and query.as_of is None else None
    if total > SORTED and not is_one_by_one:
        return Driver(NEVER, [], condition, parameters, exactly)
    return Driver(total, list(search.branches(terms, MERGED)), condition, parameters, exactly)


def _by_end(db: Database, query: ActionQuery) -> Iterable[Driver]:
    """Drive by the end date; views of an older release, only where few ended in the range: these are sorted."""
    namespaces, ended = namespaces_of(db, query), Range(query.end_from, query.end_to)
    if len(namespaces) > MERGED:
        return
    found = ends.number(db, namespaces, ended)
    if ends.has_lengths(db):
        branches = ends.in_order(db, namespaces, ended)
    elif found <= SORTED:
        branches = [branch._replace(columns=NOW, ranked=None) for branch in ends.by_end(namespaces, ended)]
    else:
        return
    if len(branches) > JOINED:
        return
    # The range itself is checked on each, whatever drives (`bounds`).
    if query.as_of is None:
        yield Driver(found, branches, IMPLIED, (), is_dated=True)
        return
    since = [unchanged(standing(db, branch, query.as_of), query.as_of) for branch in branches]
    # What an import had given an end in this range before it went on, and got another.
    left = held(db, query.namespace, OPEN, query.as_of)
    lost = sum(_count(db, branch) for branch in left)
    yield Driver(found + lost, [*since, *left], IMPLIED, (), is_dated=True, is_of_then=True)


def namespaces_of(db: Database, query: ActionQuery) -> list[int]:
    """Return the numbers of the terms of the namespaces that a query is about."""
    return [term for term, _ in numbers(db, query.namespace, "namespace", ("",))]


def _everything(db: Database, query: ActionQuery) -> Driver:
    if query.namespace is not None:
        return _by_terms(db, query, "namespace", numbers(db, query.namespace, "namespace", ("",)))
    (total,) = db.execute("SELECT coalesce(sum(total), 0) FROM terms WHERE field = 'namespace'").fetchone()
    branch = Branch("actions AS a INDEXED BY actions_by_sort", "1", (), ranked=ranks.EVERYTHING)
    moment = query.as_of
    return Driver(total, [branch], IMPLIED, (), lambda: total if moment is None else milestones.actions_at(db, moment))
