"""What is and was above or below an object, as the tree that a page shows: bounded, each object opened once."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from deedbook.projections.dates import rfc1123
from deedbook.projections.relations import Relationship

#: A way goes on for so many steps on one page; further ones are on the page of the object where it stops.
DEEPEST = 20


class Branch(NamedTuple):
    """An object on the way up or down.

    since, until: of the last time that it was related; until None: it is. times: how often it was. is_elsewhere: what
    hangs on it stands where it came first; is_cut: it is not on this page.
    """

    uri: str
    since: str
    until: str | None
    times: int
    is_elsewhere: bool
    is_cut: bool
    branches: Sequence["Branch"]

    @property
    def size(self) -> int:
        """Return how many objects hang on it here."""
        return sum(1 + branch.size for branch in self.branches)


class Kin(NamedTuple):
    """All on one side of an object, by namespace; is_cut: there are more than were asked for."""

    trees: Sequence[tuple[str, Sequence[Branch]]]
    is_cut: bool


def kin(relationships: Sequence[Relationship], uri: str, most: int, *, above: bool) -> Kin:
    """Return the first `most` relationships, nearest first, as trees that hang on an object."""
    within = relationships[:most]
    trees = []
    for namespace in dict.fromkeys(one.namespace for one in within):
        hanging: dict[str, dict[str, list[Relationship]]] = {}
        for one in within:
            if one.namespace == namespace:
                place = one.child if above else one.parent
                hanging.setdefault(place, {}).setdefault(one.uri, []).append(one)
        trees.append((namespace, list(_branches(hanging, uri, {uri}, DEEPEST))))
    return Kin(trees, len(relationships) > most)


def _branches(
    hanging: dict[str, dict[str, list[Relationship]]], place: str, opened: set[str], deeper: int
) -> Iterator[Branch]:
    near = hanging.get(place, {})
    mine = [uri for uri in near if uri not in opened]
    opened.update(mine)
    for uri, times in near.items():
        last = max(times, key=lambda one: (one.until is None, one.since))
        is_elsewhere = uri not in mine
        goes_on = uri in hanging and not is_elsewhere
        yield Branch(
            uri=uri,
            since=rfc1123(last.since),
            until=None if last.until is None else rfc1123(last.until),
            times=len(times),
            is_elsewhere=is_elsewhere and uri in hanging,
            is_cut=goes_on and not deeper,
            branches=list(_branches(hanging, uri, opened, deeper - 1)) if goes_on and deeper else (),
        )
