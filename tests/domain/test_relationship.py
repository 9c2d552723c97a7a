"""Relationships: what is above an object, and that it never comes to stand above itself."""

from functools import partial
from itertools import pairwise

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from deedbook.domain.errors import CycleRefused
from deedbook.domain.events import Caller, ParentEnded, ParentStated
from deedbook.domain.lane import lane_id
from deedbook.domain.relationship import Relationship, above, evolve, refuse_cycle, relationship_id

Graph = dict[str, tuple[str, ...]]

BY = Caller("ann")
OBJECTS = ["/a/", "/b/", "/c/", "/d/", "/e/", "/f/"]
PAIRS = st.tuples(st.sampled_from(OBJECTS), st.sampled_from(OBJECTS))


def stated(parent: str) -> ParentStated:
    """Return the event that an object is below another."""
    return ParentStated(at=1, namespace="acme", child="/a/", parent=parent, by=BY)


def ended(parent: str) -> ParentEnded:
    """Return the event that it no longer is."""
    return ParentEnded(at=1, namespace="acme", child="/a/", parent=parent, by=BY)


def given(*events: ParentStated | ParentEnded) -> Relationship:
    """Return what is above an object after these events."""
    relationship = None
    for event in events:
        relationship = evolve(relationship, relationship_id("acme", "/a/"), event)
    return relationship or Relationship()


def parents_in(graph: Graph, uri: str) -> tuple[str, ...]:
    """Return what a graph has directly above an object."""
    return graph.get(uri, ())


def test_parents_are_kept_in_the_order_in_which_they_were_stated() -> None:
    """An object can have several; one that ended is gone, and may be stated again."""
    assert given().parents == ()
    assert given(stated("/b/"), stated("/c/")).parents == ("/b/", "/c/")
    assert given(stated("/b/"), stated("/c/"), ended("/b/")).parents == ("/c/",)
    assert given(stated("/b/"), stated("/c/"), ended("/b/"), stated("/b/")).parents == ("/c/", "/b/")


def test_all_above_come_nearest_first_and_once() -> None:
    """However many ways lead to an object, it is there once, as near as the shortest of them."""
    graph = {"/a/": ("/b/", "/c/"), "/b/": ("/d/",), "/c/": ("/d/", "/e/"), "/d/": ("/f/",), "/e/": ("/b/",)}
    assert above("/a/", partial(parents_in, graph)) == ("/b/", "/c/", "/d/", "/e/", "/f/")


def test_each_object_above_is_asked_about_once() -> None:
    """Of layers in which each object is below all of the next one there are more ways up than any walk can take."""
    layers = [[f"/{layer}/{number}/" for number in range(20)] for layer in range(40)]
    graph = {one: tuple(up) for down, up in pairwise(layers) for one in down}
    asked: list[str] = []

    def parents_of(uri: str) -> tuple[str, ...]:
        asked.append(uri)
        return parents_in(graph, uri)

    assert above("/0/0/", parents_of) == tuple(uri for layer in layers[1:] for uri in layer)
    assert len(asked) == len(set(asked))


def naive_above(uri: str, graph: Graph) -> set[str]:
    """Return all above an object: whatever can be reached, found by trying until nothing is new."""
    found: set[str] = set()
    while True:
        more = {up for one in (uri, *found) for up in graph.get(one, ())} - found
        if not more:
            return found
        found |= more


@for_all(pairs=st.lists(PAIRS, max_size=20))
def test_above_is_what_the_naive_walk_finds(pairs: list[tuple[str, str]]) -> None:
    """In any graph, also one that has cycles by now, the walk ends and finds the same objects, each once."""
    graph: Graph = {}
    for parent, child in pairs:
        graph[child] = (*graph.get(child, ()), parent)
    for uri in OBJECTS:
        found = above(uri, partial(parents_in, graph))
        assert set(found) == naive_above(uri, graph)
        assert len(set(found)) == len(found)


@for_all(steps=st.lists(st.tuples(st.booleans(), PAIRS), max_size=40))
def test_a_cycle_is_refused_at_any_depth(steps: list[tuple[bool, tuple[str, str]]]) -> None:
    """Stating and ending in any order: refused is exactly what would put an object above itself."""
    graph: Graph = {}
    for is_stated, (parent, child) in steps:
        if not is_stated:
            graph[child] = tuple(one for one in graph.get(child, ()) if one != parent)
            continue
        after = {**graph, child: (*graph.get(child, ()), parent)}
        is_cycle = any(uri in naive_above(uri, after) for uri in OBJECTS)
        try:
            refuse_cycle(parent, child, partial(parents_in, graph))
        except CycleRefused:
            assert is_cycle
        else:
            assert not is_cycle
            graph = after


def test_a_long_chain_is_walked_to_its_end() -> None:
    """Ten thousand levels are no more than a long walk."""
    graph: Graph = {f"/{number}/": (f"/{number + 1}/",) for number in range(10_000)}
    assert len(above("/0/", partial(parents_in, graph))) == 10_000
    with pytest.raises(CycleRefused):
        refuse_cycle("/0/", "/10000/", partial(parents_in, graph))


def test_an_object_is_not_above_itself() -> None:
    """The shortest cycle is refused too, and the sentence names both."""
    with pytest.raises(CycleRefused, match="/a/ is /a/"):
        refuse_cycle("/a/", "/a/", lambda _: ())


def test_the_same_object_has_another_relationship_in_another_namespace() -> None:
    """Relationships never cross namespaces; and what is above an object is another aggregate than its lane."""
    ids = {relationship_id("acme", "/a/"), relationship_id("other", "/a/"), relationship_id("acme", "/b/")}
    assert len(ids) == 3
    assert lane_id("acme", "/a/") not in ids
