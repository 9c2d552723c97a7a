"""Answers a question to the action list: a page of it, in order, and how many actions there are in all.

A page costs what it returns, and the total of a single filter is read, not counted.
"""

from collections.abc import Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from sqlite_utils import Database

from deedbook.domain.lifecycle import State
from deedbook.projections.action_query import ActionQuery, Place
from deedbook.projections.actions import moved_to
from deedbook.projections.moment import Branch
from deedbook.projections.places import Mark, around, has_ranks
from deedbook.projections.resource import with_body
from deedbook.projections.selection import Selection, select, union
from deedbook.projections.totals import Total, total

#: The place in a row of `_rows`.
_PLACE = itemgetter(0, 1)

#: From here on, a page is looked for by the ranks of its list.
_FAR = 512


class Page(NamedTuple):
    """Some actions as JSON, in order, and how many there are in all.

    Not `is_exact`, there are at least `total`. first, last: the places of the first and the last on the page, None
    where it is empty; has_more: whether others follow on the way that the query went.
    """

    total: int
    documents: list[bytes]
    is_exact: bool = True
    first: Place | None = None
    last: Place | None = None
    has_more: bool = False


def page(db: Database, query: ActionQuery) -> Page:
    """Answer a query from the views as they are in the open transaction, or as they were at the query's moment."""
    selection = select(db, query)
    if not selection.best.total:
        return Page(0, [])
    found = _rows(db, *_nearer(db, selection, query), query)
    counted = Total(0, is_exact=False) if query.whole else _at_least(total(db, query, selection), query, len(found))
    rows = found[: query.limit]
    if query.backwards:
        rows.reverse()
    if not rows:
        return Page(counted.number, [], counted.is_exact)
    first, last = Place(*rows[0][:2]), Place(*rows[-1][:2])
    return Page(counted.number, _documents(query, rows), counted.is_exact, first, last, len(found) > query.limit)


# Any: the columns of a row, as `_rows` asks for them.
def _documents(query: ActionQuery, rows: Sequence[Any]) -> list[bytes]:
    if query.as_of is None and not query.whole:
        return [row[3] for row in rows]
    documents = [facts[0] if query.as_of is None else as_then(*facts) for _, _, _, *facts in rows]
    bodies = [row[2] for row in rows]
    return [
        document if body is None else with_body(document, body)
        for document, body in zip(documents, bodies, strict=True)
    ]


def _at_least(counted: Total, query: ActionQuery, found: int) -> Total:
    """Return a total with what the page itself tells of it, where it is not known exactly."""
    if counted.is_exact or query.beyond is not None:
        return counted
    if found <= query.limit and (found or not query.offset):
        return Total(query.offset + found)
    return Total(max(counted.number, query.offset + found if found else 0), is_exact=False)


def _nearer(db: Database, selection: Selection, query: ActionQuery) -> tuple[Sequence[Branch], int]:
    """Return branches and an offset that give the page of a query: far down a list, from a mark near it on."""
    offset, branches, exactly = query.offset, selection.branches, selection.best.exactly
    is_ranked = query.as_of is None and len(branches) == 1 and branches[0].ranked is not None
    if offset < _FAR or not is_ranked or exactly is None or not has_ranks(db):
        return branches, offset
    branch = branches[0]
    if not query.newest_first:
        reached, _ = around(db, branch, offset)
        if reached is None:
            return branches, offset
        return [_from(branch, reached, ">=")], offset - reached.before
    # From the end on, so many stand before the first of the page in the order itself.
    number = exactly() - 1 - offset
    _, behind = around(db, branch, number)
    if behind is None or number < 0:
        return branches, offset
    return [_from(branch, behind, "<")], behind.before - 1 - number


# Any: what SQLite returns has no type.
def _rows(db: Database, branches: Sequence[Branch], offset: int, query: ActionQuery) -> list[Any]:
    """Return the places and documents of a page on the way that the query goes, and of the action behind it."""
    is_down = query.newest_first != query.backwards
    if query.beyond is not None:
        branches = [_from(branch, query.beyond, "<" if is_down else ">") for branch in branches]
    statement, parameters = union(branches)
    way = "DESC" if is_down else "ASC"
    body = "(SELECT body FROM bodies WHERE bodies.id = page.id)" if query.whole else "NULL"
    columns, tables = ("json", "documents USING (id)")
    if query.as_of is not None:
        columns, tables = then(query.as_of)
        tables = f"actions USING (id) CROSS JOIN {tables}"
    # CROSS: each action as it is found. To put them into their order costs Python less than SQLite: they are in it.
    rows = db.conn.execute(
        f"SELECT page.sort, page.id, {body}, {columns}"
        f" FROM ({statement} ORDER BY sort {way}, id {way} LIMIT ? OFFSET ?) AS page CROSS JOIN {tables}",
        (*parameters, query.limit + 1, offset),
    ).fetchall()
    rows.sort(key=_PLACE, reverse=is_down)
    return rows


def _from(branch: Branch, place: Place | Mark, sign: str) -> Branch:
    """Return what of a branch stands beyond a place, or (">=") at it too."""
    # The first condition is what an index is searched by; alone, the second would be checked on each.
    condition = f"{branch.sort} {sign[0]}= ? AND ({branch.sort}, {branch.key}.id) {sign} (?, ?)"
    return branch._replace(
        condition=f"{branch.condition} AND {condition}",
        parameters=(*branch.parameters, place.sort, place.sort, place.id),
        ranked=None,
    )


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
