"""`include_related`: an object, everything above it, everything below it, at any depth, never its siblings."""

import itertools

import httpx
import pytest

from tests.support.server import Server
from tests.web.api.callers import Caller, Tenant

#: Stack s with services v and w; v has containers a and b, w has c. Service x, with container d, is in no stack.
#: Node cluster n with nodes 1 and 2; node 3 is in no cluster.
RELATIONSHIPS = ["s>v", "s>w", "v>a", "v>b", "w>c", "x>d", "n>1", "n>2"]
OBJECTS = "svwabcxdn123"


@pytest.fixture(scope="module")
def tree(server: Server, http: httpx.Client) -> Caller:
    """A namespace with an action on each object."""
    recorder = Tenant(http, server.key).recorder
    relate(recorder, *RELATIONSHIPS)
    recorder.batch(*({"object": f"/{name}"} for name in OBJECTS), {"object": ""})
    return recorder


def relate(caller: Caller, *relationships: str) -> None:
    """State relationships, each as parent>child."""
    for one in relationships:
        parent, _, child = one.partition(">")
        caller.relate(f"/{parent}", f"/{child}")


def related(caller: Caller, name: str, more: str = "") -> str:
    """Return on which objects the related actions are, and check that the list counts each once."""
    page = caller.page(f"object=/{name}&include_related=true{more}")
    found = [action["uuid"] for action in page["objects"]]
    assert len(set(found)) == len(found) == page["meta"]["total_count"]
    return "".join(sorted(action["object"][1:] for action in page["objects"]))


@pytest.mark.parametrize(
    ("kind", "name", "objects"),
    [
        ("container", "a", "asv"),
        ("container in a service without a stack", "d", "dx"),
        ("service", "v", "absv"),
        ("service without a stack", "x", "dx"),
        ("stack", "s", "abcsvw"),
        ("node", "1", "1n"),
        ("node without a cluster", "3", "3"),
        ("node cluster", "n", "12n"),
        ("unknown object", "nothing", ""),
    ],
)
def test_each_kind_of_object(tree: Caller, kind: str, name: str, objects: str) -> None:
    """The object, all above it and all below it; a service's siblings, and a container's, are not among them."""
    assert related(tree, name) == objects, kind


def test_without_it_only_the_object_counts(tree: Caller) -> None:
    """`include_related=false` is as if it were not there."""
    for query in ("object=/v", "object=/v&include_related=false"):
        assert [action["object"] for action in tree.listed(query)] == ["/v"]


def test_it_combines_with_other_filters(tree: Caller) -> None:
    """AND, as among all others."""
    assert related(tree, "s", "&user=rita") == "abcsvw"
    assert related(tree, "s", "&user=nobody") == ""
    assert related(tree, "s", "&start_date__lte=2000-01-01") == ""


def test_its_pages_go_on(tree: Caller) -> None:
    """`next` keeps it, and pages don't overlap."""
    first = tree.page("object=/s&include_related=true&limit=4")
    assert "include_related=true" in first["meta"]["next"]
    second = tree.page("object=/s&include_related=true&limit=4&offset=4")
    found = [action["object"][1:] for page in (first, second) for action in page["objects"]]
    assert "".join(sorted(found)) == "abcsvw"


def test_any_depth(recorder: Caller) -> None:
    """From each end of a long chain, and from its middle, the whole chain is found."""
    chain = "abcdefghijkl"
    relate(recorder, *(f"{above}>{below}" for above, below in itertools.pairwise(chain)))
    recorder.batch(*({"object": f"/{name}"} for name in chain))
    assert {related(recorder, name) for name in ("a", "f", "l")} == {chain}


def test_an_object_can_have_several_parents(recorder: Caller) -> None:
    """It is found from each, and finds each; its parents are no relatives of each other."""
    relate(recorder, "v>c", "n>c")
    recorder.batch(*({"object": f"/{name}"} for name in "vnc"))
    assert [related(recorder, name) for name in "vnc"] == ["cv", "cn", "cnv"]


def test_what_is_reached_twice_counts_once(recorder: Caller) -> None:
    """Where two ways lead down to an object, its actions are listed and counted once."""
    relate(recorder, "a>b", "a>c", "b>d", "c>d", "a>d")
    recorder.batch(*({"object": f"/{name}"} for name in "abcd"))
    assert [related(recorder, name) for name in "abcd"] == ["abcd", "abd", "acd", "abcd"]


def test_a_relationship_that_ended_still_counts(recorder: Caller) -> None:
    """History does not vanish when an object moves: what was below is found, whenever it was recorded."""
    relate(recorder, "s>v")
    recorder.record(object="/v", action="before")
    recorder.unrelate("/s", "/v")
    recorder.record(object="/v", action="after")
    recorder.record(object="/s")
    assert related(recorder, "s") == related(recorder, "v") == "svv"


def test_a_relationship_counts_for_actions_of_before(recorder: Caller) -> None:
    """What was recorded before anybody knew of the relationship is found too."""
    recorder.batch({"object": "/s"}, {"object": "/v"}, {"object": "/c"})
    assert related(recorder, "s") == "s"
    relate(recorder, "v>c", "s>v")
    assert [related(recorder, name) for name in "svc"] == ["csv"] * 3


def test_a_cycle_over_time_counts_each_action_once(recorder: Caller) -> None:
    """Above once and below later: each action is still listed and counted once."""
    relate(recorder, "a>b", "b>c")
    recorder.unrelate("/a", "/b")
    relate(recorder, "b>a")
    recorder.batch(*({"object": f"/{name}"} for name in "abc"))
    assert [related(recorder, name) for name in "ab"] == ["abc", "abc"]


def test_parents_of_a_recording_are_relationships(recorder: Caller) -> None:
    """What a recorder gives as `parents` counts as if it had been stated."""
    recorder.record(object="/c", parents=["/v"])
    recorder.record(object="/v", parents=["/s"])
    assert [related(recorder, name) for name in "svc"] == ["cv", "cv", "cv"]


def test_no_kind_of_object_is_built_in(recorder: Caller) -> None:
    """Any text can be the URI of an object, and be above any other."""
    parent, child = "arn:aws:s3:::bücket/a b&c=d", "urn:uuid:1?x#y"
    recorder.record(object=child, parents=[parent])
    page = recorder.page({"object": parent, "include_related": "true"})
    assert [action["object"] for action in page["objects"]] == [child]
