"""The moment that a question is about: the present, or a position of the past; as parts of a SELECT.

An action is read in one of two ways. As it is (`actions AS a`), where it stood then where it stands now. Or as it was
(`past AS v`), where it waited then and has started since, which gave it another place in the order.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sqlite_utils import Database

from deedbook.domain.lifecycle import FINAL, State
from deedbook.projections import milestones
from deedbook.projections.past import column_then, holding
from deedbook.projections.terms import numbers

#: The states that something leads out of: only these can be found in the past.
OPEN = tuple(str(state) for state in State if state not in FINAL)


class Columns(NamedTuple):
    """What stands for the parts of an action that its events move, in the checks on one."""

    sort: str = "a.sort"
    start: str = "a.start"
    end: str = 'a."end"'
    state: str = "a.state"


NOW = Columns()
WAS = Columns("v.sort", "v.start", 'v."end"', "v.state")


class Branch(NamedTuple):
    """A part of an answer, in order: no action is in two branches.

    `key` is the table whose `sort` and `id` the index gives in order: actions as `a`; `listed` as `l`, which is joined
    with actions only where another filter has to look at them; or `past` as `v`. ranked: the key of the order that it
    is, as things are now, where `ranks.py` tells what stands before a place in it.
    """

    tables: str
    condition: str
    parameters: tuple[object, ...]
    key: str = "a"
    columns: Columns = NOW
    ranked: int | None = None

    @property
    def sort(self) -> str:
        """What stands for the date that it is in the order of."""
        return "l.sort" if self.key == "l" else self.columns.sort


def as_it_was(moment: int) -> Columns:
    """Return the columns of an action that is looked up by itself, wherever it stands now."""

    def then(name: str, since: str) -> str:
        return f'iif(a.{since} <= {moment}, a."{name}", {column_then(name, moment)})'

    return Columns(then("sort", "sorted"), then("start", "sorted"), then("end", "changed"), then("state", "changed"))


def standing(db: Database, branch: Branch, moment: int) -> Branch:
    """Return what of a branch was there at a moment, and stood then where it stands now."""
    there = f"l.since <= {moment}" if branch.key == "l" else f"a.id <= {moment} AND a.sorted <= {moment}"
    span = milestones.dates(db, moment)
    within = "" if span is None else f" AND {branch.key}.sort BETWEEN {span[0]} AND {span[1]}"
    moved = as_it_was(moment)
    columns = NOW._replace(end=moved.end, state=moved.state)
    return branch._replace(condition=f"{branch.condition} AND {there}{within}", columns=columns)


def unchanged(branch: Branch, moment: int) -> Branch:
    """Return what of a branch was then what it is now."""
    return branch._replace(condition=f"{branch.condition} AND a.id <= {moment} AND a.changed <= {moment}")


def held(db: Database, namespace: str | None, states: Sequence[str], moment: int) -> list[Branch]:
    """Return what was in one of these states at a moment, and has left it since: one branch, or none."""
    terms = [term for term, _ in numbers(db, namespace, "state", states)]
    if not terms:
        return []
    # Not a branch for each namespace, of which there may be more than SQLite joins: none would be in order anyway.
    tables, condition, parameters = holding(db, terms, moment)
    return [Branch(tables, condition, parameters, "v", WAS)]


def waited(db: Database, namespace: str | None, moment: int) -> list[Branch]:
    """Return what waited at a moment and has started since: these stood elsewhere."""
    return [
        branch._replace(condition=f"{branch.condition} AND a.sorted > {moment}")
        for branch in held(db, namespace, (State.PENDING,), moment)
    ]
