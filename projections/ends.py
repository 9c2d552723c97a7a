"""What ended between two dates: in the order of the ends, or in that of the list.

Those that ended follow each other in an index by their ends, and its ranks tell how many there are. But a list goes by
the starts, and where many ended they can't be sorted. So there is an index by *length* too, how long they took, as an
order of magnitude: of one length, those that ended by some date started by some date, give or take that length, in
whatever direction clocks were wrong; and there the list's own order is that of the index. So a page is merged from a
dozen lengths, each of which is looked at from where its first one can be.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from sqlite_utils import Database

from deedbook.projections.moment import NOW, Branch
from deedbook.projections.parts import has
from deedbook.projections.places import has_ranks, standing_before
from deedbook.projections.ranks import ENDS

#: How long an action took, in SQL: the octal digits of its microseconds, below 0 where it ended before it started.
_LENGTH = 'iif("end" < sort, -1, 1) * length(printf(\'%o\', abs("end" - sort)))'

_BY_END = "actions INDEXED BY actions_by_end"
_BY_LENGTH = "actions INDEXED BY actions_by_length"


#: The ranks of so many namespaces are asked one by one; those of more would take longer than to count along the index.
RANKED = 50


class Range(NamedTuple):
    """A range of dates in microseconds since the epoch, both included; None is open."""

    low: int | None
    high: int | None


def create_indexes(db: Database) -> None:
    """Make the indexes."""
    db.table("actions").create_index(["namespace", "end"], "actions_by_end")
    db.execute(f'CREATE INDEX actions_by_length ON actions (namespace, {_LENGTH}, sort, "end") WHERE "end" IS NOT NULL')


def by_end(namespaces: Sequence[int], ended: Range) -> list[Branch]:
    """Return what ended in a range, in the order of that: a branch for each namespace, the numbers of their terms."""
    table = "actions AS a INDEXED BY actions_by_end"
    condition, dates = _within('a."end"', ended)
    return [
        Branch(
            table, f"a.namespace = ? AND {condition}", (term, *dates),
            columns=NOW._replace(sort=NOW.end), ranked=ENDS + term,
        )
        for term in namespaces
    ]  # fmt: skip


def in_order(db: Database, namespaces: Sequence[int], ended: Range) -> list[Branch]:
    """Return what ended in a range, in the order of the list: a branch for each namespace and length that there is."""
    found = []
    for term in namespaces:
        for length in _lengths(db, term):
            started = _started(ended, [length])
            near, starts = _within("a.sort", started)
            inside, dates = _within('a."end"', ended)
            condition = f"a.namespace = ? AND {_LENGTH} = ? AND {near} AND {inside}"
            table = "actions AS a INDEXED BY actions_by_length"
            found.append(Branch(table, condition, (term, length, *starts, *dates)))
    return found


def started(db: Database, namespaces: Sequence[int], ended: Range) -> Range:
    """Return between which dates of the list everything stands that ended in a range, where that can be told."""
    if not has_lengths(db):
        return Range(None, None)
    return _started(ended, [length for term in namespaces for length in _lengths(db, term)])


def number(db: Database, namespaces: Sequence[int], ended: Range) -> int:
    """Return how many ended in a range: by the ranks of ends, where there are some, and few namespaces."""
    if len(namespaces) > RANKED or not has_ranks(db):
        condition, dates = _within('"end"', ended)
        statement = (
            f"SELECT count(*) FROM {_BY_END} WHERE namespace IN (SELECT value FROM json_each(?)) AND {condition}"
        )
        return int(db.execute(statement, (msgspec.json.encode(namespaces).decode(), *dates)).fetchone()[0])
    low, high = ended
    orders = by_end(namespaces, Range(None, None))
    through = sum(standing_before(db, order, _LAST if high is None else high + 1) for order in orders)
    before = 0 if low is None else sum(standing_before(db, order, low) for order in orders)
    return max(0, through - before)


def has_lengths(db: Database) -> bool:
    """Tell whether there is the index by length: views of an older release have none."""
    return has(db, "actions_by_length")


#: Behind every date.
_LAST = 2**63 - 1


def _within(column: str, dates: Range) -> tuple[str, tuple[int, ...]]:
    """Return the condition that a column is in a range, with its parameters; what has no date is in none."""
    bounds = [(sign, date) for sign, date in ((">=", dates.low), ("<=", dates.high)) if date is not None]
    conditions = [f"{column} {sign} ?" for sign, _ in bounds] or [f"{column} IS NOT NULL"]
    return " AND ".join(conditions), tuple(date for _, date in bounds)


def _lengths(db: Database, namespace: int) -> list[int]:
    """Return the lengths that a namespace has: a step for each, not for each action."""
    first = f'SELECT {_LENGTH} AS length FROM {_BY_LENGTH} WHERE namespace = ?1 AND "end" IS NOT NULL'
    rows = db.execute(
        f"WITH RECURSIVE lengths (length) AS (SELECT ({first} ORDER BY length LIMIT 1) UNION ALL"
        f" SELECT ({first} AND {_LENGTH} > lengths.length ORDER BY 1 LIMIT 1) FROM lengths WHERE length IS NOT NULL)"
        " SELECT length FROM lengths WHERE length IS NOT NULL",
        (namespace,),
    )
    return [length for (length,) in rows]


def _started(ended: Range, lengths: Sequence[int]) -> Range:
    if not lengths:
        return Range(None, None)
    (shortest, _), (_, longest) = _durations(min(lengths)), _durations(max(lengths))
    low, high = ended
    return Range(None if low is None else low - longest, None if high is None else high - shortest)


def _durations(length: int) -> tuple[int, int]:
    """Return the least and the greatest duration of a length, in microseconds."""
    least, greatest = (0 if abs(length) == 1 else 8 ** (abs(length) - 1)), 8 ** abs(length) - 1
    return (least, greatest) if length > 0 else (-greatest, -least)
