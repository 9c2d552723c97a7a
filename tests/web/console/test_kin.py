"""What is above or below an object, as a tree."""

from collections.abc import Iterator, Sequence

from hypothesis import given
from hypothesis import strategies as st

from deedbook.projections.relations import Relationship
from deedbook.web.console.kin import DEEPEST, Branch, kin

URIS = st.sampled_from("abcdefgh")


def below(parent: str, child: str, since: int = 1, until: int | None = None, namespace: str = "acme") -> Relationship:
    """Return a relationship as it is told of on the way down."""
    return Relationship(namespace, child, parent, child, since, until)


def walked(branches: Sequence[Branch]) -> Iterator[Branch]:
    """Return every branch, at any depth."""
    for branch in branches:
        yield branch
        yield from walked(branch.branches)


@st.composite
def walks(draw: st.DrawFn) -> list[Relationship]:
    """What a walk down from `a` finds in a graph, which may hold cycles over time: nearest first."""
    edges = draw(st.lists(st.tuples(URIS, URIS).filter(lambda pair: pair[0] != pair[1]), unique=True))
    found, ring, seen = [], ["a"], {"a"}
    while ring:
        near = [(parent, child) for place in ring for parent, child in edges if parent == place]
        found += [below(*pair) for pair in near]
        ring = [child for child in dict.fromkeys(child for _, child in near) if child not in seen]
        seen.update(ring)
    return found


@given(walks())
def test_every_relationship_is_there_once_and_every_object_is_opened_once(found: list[Relationship]) -> None:
    """However the objects hang together, the tree is as large as the list that it is made of."""
    tree = kin(found, "a", 1000, above=False)
    branches = [branch for _, trees in tree.trees for branch in walked(trees)]
    assert len(branches) == len(found)
    assert sorted(branch.uri for branch in branches) == sorted(one.child for one in found)
    opened = [branch.uri for branch in branches if branch.branches]
    assert len(opened) == len(set(opened))
    assert not tree.is_cut
    for branch in branches:
        assert branch.size == sum(1 for _ in walked(branch.branches))


def test_what_holds_again_counts_as_holding() -> None:
    """Of an object that was related several times the last time is told, and how often it was."""
    found = [below("a", "b", 1, 2), below("a", "b", 3, None), below("a", "c", 1, 2), below("a", "c", 3, 4_000_000)]
    ((_, (held, ended)),) = kin(found, "a", 9, above=False).trees
    assert (held.times, held.until) == (2, None)
    assert (ended.times, ended.until) == (2, "Thu, 01 Jan 1970 00:00:04 +0000")


def test_more_than_was_asked_for_is_told_to_be_cut() -> None:
    """The nearest are there, and that there are more."""
    tree = kin([below("a", "b"), below("b", "c"), below("c", "d")], "a", 2, above=False)
    assert tree.is_cut
    assert [branch.uri for branch in walked(tree.trees[0][1])] == ["b", "c"]


def test_way_that_goes_very_deep_goes_on_elsewhere() -> None:
    """A chain of thousands is cut where one goes on from the object there."""
    found = [below(str(at), str(at + 1)) for at in range(5000)]
    ((_, trees),) = kin(found, "0", 5000, above=False).trees
    branches = list(walked(trees))
    assert len(branches) == DEEPEST + 1
    assert [branch.uri for branch in branches if branch.is_cut] == [str(DEEPEST + 1)]


def test_namespaces_are_kept_apart() -> None:
    """What hangs on an object in one namespace is no kin in another."""
    found = [below("a", "b"), below("a", "b", namespace="other"), below("b", "c", namespace="other")]
    (acme, first), (other, second) = kin(found, "a", 9, above=False).trees
    assert (acme, [branch.uri for branch in walked(first)]) == ("acme", ["b"])
    assert (other, [branch.uri for branch in walked(second)]) == ("other", ["b", "c"])
