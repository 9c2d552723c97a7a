"""An object: how many actions it has, its lane, and the tree of what is or was above and below it."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from msgspec import Struct
from sqlite_utils import Database

from deedbook.domain.lifecycle import RUNNING, State
from deedbook.projections.action_query import ActionQuery
from deedbook.projections.page import Page, page
from deedbook.projections.relations import Relationship, relatives

#: At the most so many relationships are told in each direction.
MOST = 200


class Node(Struct):
    """An object on the way up or down, and what hangs on it.

    since, until: of the relationship that it hangs by, in microseconds since the epoch, until None where it holds.
    actions: on it itself. is_told_elsewhere: it hangs on several, and what hangs on it stands under another of them.
    """

    namespace: str
    uri: str
    since: int
    until: int | None
    actions: int
    is_told_elsewhere: bool
    nodes: "list[Node]"


class Lane(NamedTuple):
    """What runs on an object, and what waits for it, oldest first."""

    running: Page
    waiting: Page


class Tree(Struct):
    """What is or was above, or below, an object, nearest first; not `is_whole`: there is more."""

    nodes: list[Node]
    is_whole: bool


def actions_on(db: Database, namespace: str | None, uri: str) -> int | None:
    """Return how many actions an object has; None where neither an action nor a relationship ever named it."""
    rows = list(
        db.execute(
            "SELECT total FROM terms WHERE field = 'object' AND value = ?1 AND (?2 IS NULL OR namespace = ?2)",
            (uri, namespace),
        )
    )
    return sum(total for (total,) in rows) if rows else None


def lane(db: Database, namespace: str | None, uri: str, most: int) -> Lane:
    """Return the lane of an object, at most `most` actions of either kind with how many there are."""
    running, waiting = (
        page(db, ActionQuery(namespace=namespace, object=uri, equal={"state": states}, limit=most))
        for states in (tuple(sorted(RUNNING)), (State.PENDING,))
    )
    return Lane(running, waiting)


def tree(db: Database, namespace: str | None, uri: str, *, above: bool, most: int = MOST) -> Tree:
    """Return all on the ways up (or down) from an object, at most `most` relationships, the nearest."""
    found = relatives(db, namespace, uri, above=above, limit=most + 1)
    told = found[:most]
    counts = _counts(db, told)
    hanging: dict[tuple[str, str], list[Relationship]] = {}
    for one in told:
        hanging.setdefault((one.namespace, one.child if above else one.parent), []).append(one)
    seen: set[tuple[str, str]] = set()

    def nodes(scope: str, place: str) -> list[Node]:
        level = [(one, (scope, one.uri)) for one in hanging.get((scope, place), ())]
        fresh = {}
        for one, key in level:
            if key not in seen:
                seen.add(key)
                fresh[id(one)] = key
        return [
            Node(scope, one.uri, one.since, one.until, counts.get(key, 0), id(one) not in fresh,
                 nodes(*key) if id(one) in fresh else [])
            for one, key in level
        ]  # fmt: skip

    roots: list[Node] = []
    for scope in dict.fromkeys(one.namespace for one in told):
        seen.add((scope, uri))
        roots += nodes(scope, uri)
    return Tree(roots, len(found) <= most)


def _counts(db: Database, relationships: Iterable[Relationship]) -> dict[tuple[str, str], int]:
    uris: Sequence[str] = list(dict.fromkeys(one.uri for one in relationships))
    marks = ", ".join("?" * len(uris))
    rows = db.execute(f"SELECT namespace, value, total FROM terms WHERE field = 'object' AND value IN ({marks})", uris)
    return {(namespace, uri): total for namespace, uri, total in rows}
