"""What actions were before they became what they are: a row for each state that an action has left.

`until` is the position of the event that ended it, and the row's key, since an event moves one action; `since` that of
the event that began it: at a moment p the row holds where since <= p < until. To find what holds at a moment without
reading all that ever did, rows are kept by `span`, the bits of until - since: of each span only those can hold at p
that began in the 2^span positions up to p.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sqlite_utils import Database

from deedbook.projections.rows import insert_rows

_COLUMNS = ("until", "id", "since", "state", "span", "sort", "start", "end")


class Left(NamedTuple):
    """A state that an action has left, as the table has it: `state` is a term, dates are microseconds."""

    until: int
    id: int
    since: int
    state: int
    span: int
    sort: int
    start: int | None
    end: int | None


def create(db: Database) -> None:
    """Make the table, without its indexes."""
    columns = dict.fromkeys(_COLUMNS, int)
    db.create_table("past", columns, pk="until", not_null=set(_COLUMNS) - {"start", "end"}, strict=True)


def create_indexes(db: Database) -> None:
    """Make the indexes: one tells what an action was at a moment, one which actions were in a state at a moment."""
    db.table("past").create_index(["id", "until"], "past_by_id")
    db.table("past").create_index(["state", "span", "since", "until"], "past_by_span")


def insert(db: Database, rows: Sequence[Left]) -> None:
    """Write what was left, in order of position."""
    insert_rows(db, "past", rows)


def column_then(column: str, moment: int) -> str:
    """Return, as SQL, what a column of `actions AS a` was at a moment, for an action that has changed since."""
    return f'(SELECT "{column}" FROM past WHERE past.id = a.id AND past.until > {moment} ORDER BY past.until LIMIT 1)'


class Holding(NamedTuple):
    """A part of a SELECT: the rows `past AS v`, with their actions as `a`, that held a state at a moment."""

    tables: str
    condition: str
    parameters: tuple[int, ...]


def holding(db: Database, states: Sequence[int], moment: int) -> Holding:
    """Return what was in one of some states at a moment and has left it since.

    It costs a look-up for each span, and then about what it finds: what began in a span's reach and does not hold any
    more was open, all of it at once, half that span before.
    """
    (last,) = db.execute("SELECT coalesce(max(until), 0) FROM past").fetchone()
    spans = ", ".join(f"({span})" for span in range(1, last.bit_length() + 1)) or "(0)"
    return Holding(
        f"(SELECT column1 AS bits FROM (VALUES {spans})) CROSS JOIN past AS v INDEXED BY past_by_span"
        " CROSS JOIN actions AS a ON a.id = v.id",
        f"v.state IN ({','.join('?' * len(states))}) AND v.span = bits AND v.since > ? - (1 << bits)"
        " AND v.since <= ? AND v.until > ?",
        (*states, moment, moment, moment),
    )
