"""Users, retries and trees of objects are what a naive search through the whole log finds."""

from collections import Counter
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from deedbook.domain.commands import DeleteSearch, SaveSearch, StateParent
from deedbook.domain.events import Caller
from deedbook.domain.results import Command
from deedbook.domain.testing import command_sequences
from deedbook.domain.testing.sequences import NAMESPACES, OBJECTS
from deedbook.projections.objects import Node, tree
from deedbook.projections.resource import decode
from tests.projections.test_action_query import Naive, asked, reach

NAMESPACE = st.none() | st.sampled_from(NAMESPACES)


@settings(max_examples=40)
@given(history=command_sequences(), namespace=NAMESPACE, word=st.sampled_from(["", "a", "BOB", "nobody"]))
def test_users_are_those_who_have_actions(history: list[Command], namespace: str | None, word: str) -> None:
    """By name, each with the number of actions and the last of them; also page by page."""
    with asked(history) as (snapshot, everything):
        of: dict[tuple[str, str], list[tuple[int, int, UUID]]] = {}
        for position, action in everything.actions:
            recorded = action.recorded
            if recorded.user is not None and namespace in (None, recorded.namespace):
                date = recorded.created if action.start is None else action.start
                of.setdefault((recorded.user, recorded.namespace), []).append((date, position, action.id))
        expected = [
            (scope, user, len(found), max(found)[0], max(found)[2])
            for (user, scope), found in sorted(of.items())
            if word.casefold() in user.casefold()
        ]
        words = tuple(word.casefold().split())
        told = snapshot.users(namespace, words, 100, 0)
        assert (told.total, [tuple(user) for user in told.found]) == (len(expected), expected)
        one_by_one = [user for at in range(len(expected)) for user in snapshot.users(namespace, words, 1, at).found]
        assert one_by_one == list(told.found)


def chains(everything: Naive, namespace: str | None, action: UUID) -> tuple[set[str], set[str]]:
    """Return the ids of all that an action retries, and of all that retry it."""
    edges = {(one.recorded.namespace, str(one.id), str(one.recorded.retry_of)) for _, one in everything.actions}
    scopes = {one.recorded.namespace for _, one in everything.actions if one.id == action} & set(NAMESPACES)
    scope = namespace or next(iter(scopes), "")
    there = {str(one.id) for _, one in everything.actions}
    before, after = (reach(edges, scope, str(action), step) & there for step in (1, -1))
    return before, after


@settings(max_examples=60)
@given(history=command_sequences())
def test_retries_are_found_in_both_directions(history: list[Command]) -> None:
    """Over any number of retries, oldest first; in another namespace there are none."""
    with asked(history) as (snapshot, everything):
        order = {str(action.id): position for position, action in everything.actions}
        for _, action in everything.actions:
            for namespace in (None, action.recorded.namespace):
                before, after = chains(everything, namespace, action.id)
                found = snapshot.retries(action.id, namespace)
                for documents, expected in ((found.before, before), (found.after, after)):
                    ids = [decode(document).uuid for document in documents]
                    assert ids == sorted(expected, key=order.__getitem__)
            elsewhere = snapshot.retries(action.id, "elsewhere")
            assert elsewhere.before == elsewhere.after == []


def told_in(nodes: list[Node]) -> list[Node]:
    """Return all nodes of a tree that are told in full."""
    here = [node for node in nodes if not node.is_told_elsewhere]
    return [*here, *(one for node in here for one in told_in(node.nodes))]


@settings(max_examples=60)
@given(history=command_sequences(), namespace=st.sampled_from(NAMESPACES), uri=st.sampled_from(OBJECTS))
def test_a_tree_holds_each_object_once(history: list[Command], namespace: str, uri: str) -> None:
    """All that is or was above, and below, once each, with the number of its actions; None of one never seen."""
    with asked(history) as (snapshot, everything):
        counts = Counter((action.recorded.namespace, action.recorded.object) for _, action in everything.actions)
        for step, above in ((1, True), (-1, False)):
            tree = snapshot.tree(namespace, uri, above=above)
            told = told_in(tree.nodes)
            assert sorted(node.uri for node in told) == sorted(reach(everything.edges, namespace, uri, step) - {uri})
            assert all(node.actions == counts[namespace, node.uri] for node in told)
            assert tree.is_whole
        named = {end for scope, *ends in everything.edges if scope == namespace for end in ends}
        is_seen = bool(counts[namespace, uri]) or uri in named
        assert snapshot.actions_on(namespace, uri) == (counts[namespace, uri] if is_seen else None)


def test_a_tree_that_is_cut_says_so() -> None:
    """The nearest come first; what is left out is not told as if it were all."""
    by = Caller("root")
    links = [("/top/", "/a/"), ("/top/", "/b/"), ("/a/", "/c/")]
    history: list[Command] = [StateParent(namespace="acme", parent=one, child=other, by=by) for one, other in links]
    with asked(history) as (snapshot, _):
        cut = tree(snapshot.db, "acme", "/top/", above=False, most=2)
        assert ([node.uri for node in told_in(cut.nodes)], cut.is_whole) == (["/a/", "/b/"], False)
        whole = tree(snapshot.db, "acme", "/top/", above=False, most=3)
        assert ([node.uri for node in told_in(whole.nodes)], whole.is_whole) == (["/a/", "/b/", "/c/"], True)


@settings(max_examples=40)
@given(history=command_sequences(), namespace=NAMESPACE)
def test_saved_searches_are_the_last_of_each_name(history: list[Command], namespace: str | None) -> None:
    """By name, those that were not deleted since."""
    kept = {}
    for command in history:
        if isinstance(command, SaveSearch):
            kept[command.name, command.namespace] = command.query
        elif isinstance(command, DeleteSearch):
            kept.pop((command.name, command.namespace), None)
    with asked(history) as (snapshot, _):
        found = [((one.name, one.namespace), one.query) for one in snapshot.searches(namespace)]
        assert found == sorted((key, query) for key, query in kept.items() if namespace in (None, key[1]))


def test_what_hangs_on_two_is_told_in_full_at_one() -> None:
    """At the first; the other says that it is told elsewhere, and repeats nothing of what hangs on it."""
    by = Caller("root")
    links = [("/top/", "/a/"), ("/top/", "/b/"), ("/a/", "/c/"), ("/b/", "/c/"), ("/c/", "/d/")]
    history: list[Command] = [StateParent(namespace="acme", parent=one, child=other, by=by) for one, other in links]
    with asked(history) as (snapshot, _):
        a, b = snapshot.tree("acme", "/top/", above=False).nodes
        assert [(node.uri, node.is_told_elsewhere, len(node.nodes)) for node in (*a.nodes, *b.nodes)] == [
            ("/c/", False, 1),
            ("/c/", True, 0),
        ]
