"""The relationships among the objects above an action, each stated once a file."""

from itertools import pairwise

from deedbook.domain.commands import StateParent
from deedbook.web.importing.items import Item, Owner

#: So many are remembered. To state one again does no harm, so forgetting is safe, and memory bounded.
_REMEMBERED = 100_000


class Relations:
    """What was stated so far of the relationships in one file."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._stated: set[tuple[str, ...]] = set()

    def among(self, parents: tuple[str, ...], line: int) -> list[Item]:
        """State that each of `parents` is directly below the next, unless that was stated before."""
        if parents in self._stated:
            return []
        if len(self._stated) >= _REMEMBERED:
            self._stated.clear()
        fresh = [pair for pair in pairwise(parents) if pair not in self._stated]
        self._stated.update([parents, *fresh])
        return [Item(line, self._below(*pair)) for pair in fresh]

    def _below(self, child: str, parent: str) -> StateParent:
        return StateParent(namespace=self._owner.namespace, parent=parent, child=child, by=self._owner.by)
