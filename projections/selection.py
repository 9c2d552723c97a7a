"""What a query selects, however it is read: the driver that is chosen for it, and the other filters on its branches."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from sqlite_utils import Database

from deedbook.projections import kinds
from deedbook.projections.action_query import ActionQuery
from deedbook.projections.drivers import IMPLIED, MERGED, NEVER, SORTED, Driver, bounds, drivers, of_then, started
from deedbook.projections.moment import NOW, Branch, Columns, as_it_was


class Selection(NamedTuple):
    """The ways to read what a query asks for: `best`, brought to its moment, with what it gives narrowed by the others.

    telling: the drivers that leave anything out, whichever drives. together: how many actions all filters but ranges of
    dates find, where counters tell it of several of them.
    """

    best: Driver
    branches: Sequence[Branch]
    telling: Sequence[Driver]
    together: int | None = None


def select(db: Database, query: ActionQuery) -> Selection:
    """Choose the driver of a query: the one that has the least to read."""
    ways, together = _together(db, query, list(drivers(db, query)))
    best = min(ways, key=lambda driver: driver.total)
    others = [driver for driver in ways if driver is not best and driver.check]
    telling = [driver for driver in ways if driver.check != IMPLIED]
    best = of_then(db, query, best)
    ranges = bounds(query) + ([] if best.is_dated else started(db, query))
    return Selection(best, [_narrowed(branch, others, ranges) for branch in best.branches], telling, together)


def _together(db: Database, query: ActionQuery, ways: list[Driver]) -> tuple[list[Driver], int | None]:
    """Ask the counters of kinds what several of the ways find together, and how many all of them do.

    One driver takes their place where they find little of what each of them does, which the index of the kinds has at
    once; or where another filter drives whose index tells the kind of each action, so that it need not be looked up.
    """
    # Of a moment of the past, counters of now only tell what never moves.
    fields = (*kinds.FIELDS, "state") if query.as_of is None else kinds.FIELDS
    of = [driver for driver in ways if driver.field in fields]
    least = min(ways, key=lambda driver: driver.total)
    is_told = least.field in kinds.BESIDE and any(driver.field != "state" for driver in of)
    if not least.total or not (is_told or len(of) > 1):
        return ways, None
    found = kinds.found(db, {driver.field: driver.parameters for driver in of})
    if found is None:
        return ways, None
    total = sum(each.total for each in found)
    # A branch that is merged costs about as much as to look for one more action of a page among those of the least.
    is_little = total <= SORTED if len(found) > MERGED else total * len(found) < least.total
    if is_little or (is_told and len(found) <= MERGED):
        check, parameters = _check_by_kind(found, of)
        # Where another filter drives, nobody walks its branches: to write 41 of them took an eighth of the answer.
        branches = kinds.branches(found, MERGED) if is_little else []
        exactly = (lambda: total) if query.as_of is None else None
        driver = Driver(total if is_little else NEVER, branches, check, parameters, exactly)
        return [driver, *(way for way in ways if way not in of)], None
    is_all = query.as_of is None and len(of) == sum(driver.check != IMPLIED for driver in ways)
    return ways, total if is_all else None


def _check_by_kind(found: Sequence[kinds.InState], of: Sequence[Driver]) -> tuple[str, tuple[object, ...]]:
    """Return what several drivers find, as counters tell it, as a condition on one action, and its parameters."""
    checks = [(driver.check, driver.parameters) for driver in of]
    numbers = tuple({each.kind for each in found})
    if len(numbers) <= MERGED:
        checks = [(kinds.among("a.kind", numbers), numbers)]
        checks += [(driver.check, driver.parameters) for driver in of if driver.field == "state"]
    return (
        " AND ".join(check for check, _ in checks),
        tuple(parameter for _, parameters in checks for parameter in parameters),
    )


def matching(query: ActionQuery, selection: Selection, tables: str, condition: str) -> Branch | None:
    """Return actions `a` that a query asks for among those in `tables` for which a condition holds.

    None where that can't be told of one action by itself.
    """
    if not all(driver.check for driver in selection.telling):
        return None
    columns = NOW if query.as_of is None else as_it_was(query.as_of)
    there = condition if query.as_of is None else f"{condition} AND a.id <= {query.as_of}"
    return _narrowed(Branch(tables, there, (), columns=columns), selection.telling, bounds(query))


def _narrowed(branch: Branch, others: Sequence[Driver], ranges: Sequence[tuple[str, int]]) -> Branch:
    """Add the checks of all other filters to a branch."""
    checks = [other.check for other in others if other.check != IMPLIED] + [condition for condition, _ in ranges]
    parameters = (
        *branch.parameters,
        *(parameter for other in others for parameter in other.parameters),
        *(value for _, value in ranges),
    )
    if not checks:
        return branch
    return _joined(branch)._replace(
        condition=" AND ".join([branch.condition, *(check.format(**branch.columns._asdict()) for check in checks)]),
        parameters=parameters,
        ranked=None,
    )


def union(branches: Sequence[Branch], *columns: str) -> tuple[str, list[object]]:
    """Return a SELECT of `sort`, `id` and more of each action in the branches, with its parameters.

    `columns` name attributes of `Columns`.
    """
    if not branches:
        return f"SELECT {', '.join(f'NULL AS {name}' for name in ('sort', 'id', *columns))} WHERE 0", []
    if columns:
        branches = [_joined(branch) for branch in branches]
    selects = [
        f"{_selecting(branch.key, branch.sort, branch.columns, columns)} FROM {branch.tables} WHERE {branch.condition}"
        for branch in branches
    ]
    return " UNION ALL ".join(selects), [value for branch in branches for value in branch.parameters]


def _joined(branch: Branch) -> Branch:
    """Return a branch in whose tables the actions are."""
    if branch.key != "l" or "actions AS a" in branch.tables:
        return branch
    return branch._replace(tables=f"{branch.tables} CROSS JOIN actions AS a ON a.id = l.id")


@lru_cache(maxsize=1000)
def _selecting(key: str, sort: str, columns: Columns, more: tuple[str, ...]) -> str:
    """Return the beginning of a branch's SELECT. Remembered: to write it takes as long as to look up a term."""
    named = {"sort": sort, "id": f"{key}.id"} | {name: columns._asdict()[name] for name in more}
    return f"SELECT {', '.join(f'{value} AS {name}' for name, value in named.items())}"
