"""Answers a question to the action list: a page of it, in order, and how many actions there are in all.

A page costs what it returns, and the total of a single filter is read, not counted.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sqlite_utils import Database

from deedbook.domain.lifecycle import State
from deedbook.projections.action_query import ActionQuery
from deedbook.projections.actions import moved_to
from deedbook.projections.drivers import IMPLIED, Driver, bounds, drivers, of_then
from deedbook.projections.moment import Branch


class Page(NamedTuple):
    """Some actions as JSON, in order, and how many there are in all."""

    total: int
    documents: list[bytes]


def page(db: Database, query: ActionQuery) -> Page:
    """Answer a query from the views as they are in the open transaction, or as they were at the query's moment."""
    ways = list(drivers(db, query))
    best = min(ways, key=lambda driver: driver.total)
    others = [driver for driver in ways if driver is not best and driver.check]
    best = of_then(db, query, best)
    if not best.total:
        return Page(0, [])
    ranges = bounds(query)
    branches = [_narrowed(branch, others, ranges) for branch in best.branches]
    # The namespace is in every term: as another filter beside them it takes nothing away.
    is_alone = not ranges and all(other.check == IMPLIED for other in others)
    total = best.exactly() if best.exactly is not None and is_alone else _count(db, branches)
    return Page(total, _documents(db, branches, query))


def _narrowed(branch: Branch, others: Sequence[Driver], ranges: Sequence[tuple[str, int]]) -> Branch:
    """Add the checks of all other filters to a branch."""
    checks = [other.check for other in others if other.check != IMPLIED] + [condition for condition, _ in ranges]
    parameters = (
        *branch.parameters,
        *(parameter for other in others for parameter in other.parameters),
        *(value for _, value in ranges),
    )
    is_joined = branch.key == "l" and bool(checks)
    return branch._replace(
        tables=f"{branch.tables} CROSS JOIN actions AS a ON a.id = l.id" if is_joined else branch.tables,
        condition=" AND ".join([branch.condition, *(check.format(**branch.columns._asdict()) for check in checks)]),
        parameters=parameters,
    )


def _select(branches: Sequence[Branch]) -> tuple[str, list[object]]:
    selects = (
        f"SELECT {'l.sort' if branch.key == 'l' else branch.columns.sort} AS sort, {branch.key}.id AS id"
        f" FROM {branch.tables} WHERE {branch.condition}"
        for branch in branches
    )
    return " UNION ALL ".join(selects), [value for branch in branches for value in branch.parameters]


def _count(db: Database, branches: Sequence[Branch]) -> int:
    statement, parameters = _select(branches)
    return int(db.execute(f"SELECT count(*) FROM ({statement})", parameters).fetchone()[0])


def _documents(db: Database, branches: Sequence[Branch], query: ActionQuery) -> list[bytes]:
    statement, parameters = _select(branches)
    way = "DESC" if query.newest_first else "ASC"
    columns, tables = ("json", "documents USING (id)")
    if query.as_of is not None:
        columns, tables = then(query.as_of)
        tables = f"actions USING (id) JOIN {tables}"
    rows = db.execute(
        f"WITH page AS MATERIALIZED ({statement} ORDER BY sort {way}, id {way} LIMIT ? OFFSET ?)"
        f" SELECT {columns} FROM page JOIN {tables} ORDER BY page.sort {way}, page.id {way}",
        [*parameters, query.limit, query.offset],
    )
    return [row[0] for row in rows] if query.as_of is None else [as_then(*row) for row in rows]


def then(moment: int) -> tuple[str, str]:
    """Return columns, and tables to join `actions` with, that tell `as_then` what an action was at a moment."""
    tables = (
        "documents USING (id) LEFT JOIN past ON until = (SELECT until FROM past AS later"
        f" WHERE later.id = actions.id AND later.until > {moment} ORDER BY later.until LIMIT 1)"
        " LEFT JOIN terms ON terms.id = past.state"
    )
    return 'json, permits, terms.value, past.start, past."end"', tables


def as_then(document: bytes, permits: int, state: str | None, start: int | None, end: int | None) -> bytes:
    """Return the JSON of an action as it was in a state that it has left; `state` None: it has left none since."""
    return document if state is None else moved_to(document, State(state), start, end, permits)
