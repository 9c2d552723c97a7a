"""Free text: actions by words that stand anywhere in their operation, object, user, agent or address.

The dictionary of terms holds each value once, so a word is looked for there, in one pass over the values, and not in
the actions. Measured: 0.2 to 0.5 µs a value, 1 ms for the 2,800 that a million actions share; an index of trigrams
(FTS5) would cost a rebuild 10 µs for each value, which many actions have one of their own of.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec
from sqlite_utils import Database

from deedbook.projections.moment import Branch
from deedbook.projections.terms import SEARCHED, fold

#: Up to so many terms that have a word are told one by one; beyond, an action's own values are looked at.
LISTED = 10_000


class Found(NamedTuple):
    """The terms of one field that have a word: how many, the actions that have one of them, their numbers as JSON."""

    number: int
    total: int
    ids: str


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a text, as `ActionQuery` has them, each once."""
    return tuple(dict.fromkeys(fold(text).split()))


def found(db: Database, namespace: str | None, word: str) -> dict[str, Found]:
    """Return, for each field that has any, the terms with a word: in one namespace, or (None) in all."""
    scope = "" if namespace is None else " AND namespace = ?2"
    rows = db.execute(
        "SELECT field, count(*), sum(total), json_group_array(id) FROM terms"
        f" WHERE field IN ({_FIELDS}){scope} AND total > 0 AND instr(coalesce(folded, value), ?1) GROUP BY field",
        (word,) if namespace is None else (word, namespace),
    )
    return {field: Found(*rest) for field, *rest in rows}


class Check(NamedTuple):
    """A condition on one action, with its parameters."""

    condition: str
    parameters: tuple[object, ...]


def check(namespace: str | None, word: str, terms: Mapping[str, Found]) -> Check:
    """Return the condition that one of an action's terms has a word; it implies the namespace."""
    checks = [_check(namespace, word, field, found) for field, found in terms.items()]
    return Check(
        f"({' OR '.join(one.condition for one in checks) or '0'})",
        tuple(parameter for one in checks for parameter in one.parameters),
    )


def _check(namespace: str | None, word: str, field: str, found: Found) -> Check:
    if found.number <= LISTED:
        return Check(f"a.{field} IN (SELECT value FROM json_each(?))", (found.ids,))
    scope, parameters = ("", ()) if namespace is None else (" AND namespace = ?", (namespace,))
    value = f"(SELECT coalesce(folded, value) FROM terms WHERE id = a.{field}{scope})"
    return Check(f"coalesce(instr({value}, ?), 0)", (*parameters, word))


def branches(terms: Mapping[str, Found], merged: int) -> Iterator[Branch]:
    """Return what has one of the terms, no action twice: a branch for each term, or, of more than `merged`, field."""
    one_by_one = sum(found.number for found in terms.values()) <= merged
    before: list[Check] = []
    for field, found in terms.items():
        table = f"actions AS a INDEXED BY actions_by_{field}"
        others = "".join(f" AND NOT coalesce({other.condition}, 0)" for other in before)
        parameters = tuple(parameter for other in before for parameter in other.parameters)
        listed = Check(f"a.{field} IN (SELECT value FROM json_each(?))", (found.ids,))
        each: Sequence[Check] = [listed]
        if one_by_one:
            each = [Check(f"a.{field} = ?", (term,)) for term in msgspec.json.decode(found.ids)]
        for one in each:
            yield Branch(table, one.condition + others, one.parameters + parameters)
        before.append(listed)


_FIELDS = ", ".join(f"'{field}'" for field in SEARCHED)
