"""Relationships between objects: stated, ended, told."""

import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlencode

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deedbook.projections.relations import Relationship
from deedbook.web.problems import Problem
from deedbook.web.relationships import MOST, nested
from tests.web.api.callers import CALL, Caller, Json, Tenant, document


def state(caller: Caller, parent: str, child: str) -> int:
    """State a relationship, and return the status."""
    return caller.post("/relationship/", {"parent": parent, "child": child}).status_code


def end(caller: Caller, parent: str, child: str) -> int:
    """End one, and return the status."""
    return caller.delete("/relationship/", params={"parent": parent, "child": child}).status_code


def relatives(caller: Caller, uri: str, **more: str) -> Json:
    """Return what is told of an object."""
    answer = caller.get("/relationship/", params={"object": uri, **more})
    assert answer.status_code == 200, answer.text
    return document(answer)


def uris(entries: list[Json]) -> list[str]:
    """Return the objects of entries, in order."""
    return [entry["uri"] for entry in entries]


def test_stating_one_is_a_201_and_a_200_where_it_held_already(recorder: Caller) -> None:
    """The answer names both ends."""
    answers = [recorder.post("/relationship/", {"parent": "/p", "child": "/c"}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 200, 200]
    assert {answer.text for answer in answers} == {'{"parent":"/p","child":"/c"}'}


def test_one_that_a_recording_stated_holds_already(recorder: Caller) -> None:
    """`parents` of an action say the same."""
    recorder.record(object="/c", parents=["/p"])
    assert state(recorder, "/p", "/c") == 200


def test_ending_one_is_a_200_and_a_404_where_it_does_not_hold(recorder: Caller) -> None:
    """Never stated, stated the other way round, or ended before; afterwards it can be stated anew."""
    assert end(recorder, "/p", "/c") == 404
    assert state(recorder, "/p", "/c") == 201
    assert end(recorder, "/c", "/p") == 404
    answer = recorder.delete("/relationship/", params={"parent": "/p", "child": "/c"})
    assert (answer.status_code, answer.json()) == (200, {"parent": "/p", "child": "/c"})
    assert end(recorder, "/p", "/c") == 404
    assert state(recorder, "/p", "/c") == 201


@pytest.mark.parametrize("cycle", ["aa", "ab ba", "ab bc ca", "ab bc cd da", "ab ac bd cd da"])
def test_a_cycle_is_refused(recorder: Caller, cycle: str) -> None:
    """409, however long it is: the last one would put an object above itself, and is not recorded."""
    *before, last = cycle.split()
    assert [state(recorder, one[0], one[1]) for one in before] == [201] * len(before)
    assert state(recorder, last[0], last[1]) == 409
    assert end(recorder, last[0], last[1]) == 404


def test_only_what_holds_now_makes_a_cycle(recorder: Caller) -> None:
    """What has ended may be turned round."""
    state(recorder, "/a", "/b")
    end(recorder, "/a", "/b")
    assert state(recorder, "/b", "/a") == 201


def test_all_above_and_below_is_told_nearest_first(recorder: Caller) -> None:
    """At any depth, with both ends of each, in the namespace, since when."""
    for parent, child in ("/r", "/s"), ("/s", "/v"), ("/v", "/a"), ("/v", "/b"):
        state(recorder, parent, child)
    told = relatives(recorder, "/v")
    assert set(told) == {"object", "above", "below"}
    assert (told["object"], uris(told["above"]), sorted(uris(told["below"]))) == ("/v", ["/s", "/r"], ["/a", "/b"])
    nearest = told["above"][0]
    assert set(nearest) == {"namespace", "uri", "parent", "child", "since", "until"}
    assert (nearest["parent"], nearest["child"], nearest["until"]) == ("/s", "/v", None)
    assert parsedate_to_datetime(nearest["since"]) <= datetime.now(UTC)
    assert uris(relatives(recorder, "/r")["below"])[:2] == ["/s", "/v"]
    assert uris(relatives(recorder, "/a")["above"]) == ["/v", "/s", "/r"]


def test_siblings_are_not_told(recorder: Caller) -> None:
    """What is below what is above is no relative."""
    for child in ("/a", "/b"):
        state(recorder, "/v", child)
    told = relatives(recorder, "/a")
    assert (uris(told["above"]), told["below"]) == (["/v"], [])


def test_one_that_ended_is_told_with_its_end(recorder: Caller) -> None:
    """And one that was stated again holds anew, beside the interval of before."""
    state(recorder, "/p", "/c")
    end(recorder, "/p", "/c")
    (ended,) = relatives(recorder, "/c")["above"]
    since, until = (parsedate_to_datetime(ended[name]) for name in ("since", "until"))
    assert since <= until
    state(recorder, "/p", "/c")
    intervals = relatives(recorder, "/c")["above"]
    assert [interval["until"] is None for interval in intervals] == [False, True]
    assert {(interval["parent"], interval["child"]) for interval in intervals} == {("/p", "/c")}


def test_an_end_ends_only_what_holds(recorder: Caller) -> None:
    """An interval of before keeps its own."""
    state(recorder, "/p", "/c")
    end(recorder, "/p", "/c")
    (before,) = relatives(recorder, "/c")["above"]
    # Dates are shown to the second.
    time.sleep(1.1)
    state(recorder, "/p", "/c")
    end(recorder, "/p", "/c")
    first, second = relatives(recorder, "/c")["above"]
    assert first == before
    assert parsedate_to_datetime(first["until"]) < parsedate_to_datetime(second["until"])


def test_a_tree_nests_what_hangs_on_what(recorder: Caller) -> None:
    """`form=tree`: each entry holds what is next to it on the same way; `form=flat` is what it is without."""
    for parent, child in (("/s", "/v"), ("/s", "/w"), ("/v", "/a"), ("/w", "/a")):
        state(recorder, parent, child)
    tree = relatives(recorder, "/s", form="tree")
    assert tree["above"] == []
    assert sorted(uris(tree["below"])) == ["/v", "/w"]
    assert [uris(entry["below"]) for entry in tree["below"]] == [["/a"], ["/a"]]
    assert tree["below"][0]["below"][0]["below"] == []
    up = relatives(recorder, "/a", form="tree")["above"]
    assert (sorted(uris(up)), [uris(entry["above"]) for entry in up]) == (["/v", "/w"], [["/s"], ["/s"]])
    assert relatives(recorder, "/s", form="flat") == relatives(recorder, "/s")


def test_a_tree_of_too_many_entries_is_refused(recorder: Caller) -> None:
    """400, before it is made: each layer of two objects that hang on both above doubles it. Flat it is short."""
    layers = range(13)
    lines = [
        {**CALL, "object": f"/{layer + 1}{side}", "parents": [f"/{layer}a", f"/{layer}b"]}
        for layer in layers
        for side in "ab"
    ]
    recorder.post_lines("/action/", *lines)
    for uri, way in (("/0a", "below"), ("/13a", "above")):
        answer = recorder.get("/relationship/", params={"object": uri, "form": "tree"})
        sentence = f"The tree of what is {way} {uri} has more than 10,000 entries; ask with form=flat."
        assert (answer.status_code, answer.json()) == (400, {"error": sentence})
        assert len(relatives(recorder, uri)[way]) == 50
    assert relatives(recorder, "/1a", form="tree")["above"]


ENDS = st.sampled_from("abcdef")


@given(edges=st.lists(st.tuples(st.sampled_from(["acme", "other"]), ENDS, ENDS), max_size=12), is_up=st.booleans())
def test_a_tree_is_what_a_recursion_makes(edges: list[tuple[str, str, str]], is_up: bool) -> None:  # noqa: FBT001  # Hypothesis
    """Of whatever hangs on what, several times or in a circle too."""
    way = "above" if is_up else "below"
    relationships = [
        Relationship(namespace, parent if is_up else child, parent, child, 10**6, None)
        for namespace, parent, child in edges
    ]

    def branch(namespace: str, place: str, path: str) -> list[Json]:
        return [
            {"namespace": namespace, "uri": one.uri, "parent": one.parent, "child": one.child,
             "since": "Thu, 01 Jan 1970 00:00:01 +0000", "until": None, way: branch(namespace, one.uri, path + one.uri)}
            for one in relationships
            if one.namespace == namespace and place == (one.child if is_up else one.parent) and one.uri not in path
        ]  # fmt: skip

    namespaces = dict.fromkeys(namespace for namespace, _, _ in edges)
    expected = [entry for namespace in namespaces for entry in branch(namespace, "a", "a")]
    assert msgspec.json.decode(nested(relationships, "a", way)) == expected


def test_a_tree_is_told_however_deep_it_is() -> None:
    """A chain of objects is longer than Python's own calls may be deep."""
    relationships = [Relationship("acme", f"/{n}", f"/{n - 1}", f"/{n}", 0, None) for n in range(1, MOST + 1)]
    text = bytes(nested(relationships, "/0", "below"))
    assert text.count(b'"uri"') == MOST
    assert text.endswith(b'"until":null,"below":[' + b"]}" * MOST + b"]")


def test_a_tree_may_have_so_many_entries() -> None:
    """Exactly."""
    relationships = [Relationship("acme", f"/{n}", "/", f"/{n}", 0, None) for n in range(MOST + 1)]
    assert len(msgspec.json.decode(nested(relationships[:-1], "/", "below"))) == MOST
    with pytest.raises(Problem):
        nested(relationships, "/", "below")


def test_an_object_that_nobody_related_has_no_relatives(recorder: Caller) -> None:
    """It is no error to ask."""
    assert relatives(recorder, "/nothing") == {"object": "/nothing", "above": [], "below": []}


def test_what_was_stated_is_told_at_once(tenant: Tenant) -> None:
    """To everybody who may read."""
    for n in range(20):
        state(tenant.recorder, f"/p{n}", "/c")
        assert f"/p{n}" in uris(relatives(tenant.auditor, "/c")["above"])


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"parent": "/p"},
        {"child": "/c"},
        {"parent": "", "child": "/c"},
        {"parent": "/p", "child": ""},
        {"parent": None, "child": "/c"},
        {"parent": 1, "child": "/c"},
        {"parent": ["/p"], "child": "/c"},
        {"parent": "/p", "child": "/c", "since": "2014-09-17"},
        {"parent": "/" + "p" * 2048, "child": "/c"},
        ["/p", "/c"],
    ],
    ids=range(11),
)
def test_what_is_no_relationship_is_refused(recorder: Caller, body: object) -> None:
    """400."""
    assert recorder.post("/relationship/", body).status_code == 400


@pytest.mark.parametrize(
    ("method", "query", "name"),
    [
        ("GET", {}, "object"),
        ("GET", {"object": ""}, "object"),
        ("GET", {"object": ["/a", "/b"]}, "object"),
        ("GET", {"object": "/a", "form": "circle"}, "form"),
        ("GET", {"object": "/a", "depth": "1"}, "depth"),
        ("DELETE", {}, "parent"),
        ("DELETE", {"parent": "/p"}, "child"),
        ("DELETE", {"child": "/c"}, "parent"),
        ("DELETE", {"parent": "/p", "child": ""}, "child"),
        ("DELETE", {"parent": "/p", "child": "/c", "all": "true"}, "all"),
    ],
    ids=lambda value: urlencode(value, doseq=True) if isinstance(value, dict) else None,
)
def test_a_parameter_that_makes_no_sense_is_refused(recorder: Caller, method: str, query: Json, name: str) -> None:
    """400, naming it."""
    answer = recorder.ask(method, "/relationship/", params=query)
    assert (answer.status_code, name in answer.json()["error"]) == (400, True)


def test_any_text_is_a_uri(recorder: Caller) -> None:
    """It comes back as it went in, out of bodies and out of queries."""
    parent, child = "arn:aws:s3:::bücket/a b&c=d+e", "urn:x?y=z#1%20"
    assert state(recorder, parent, child) == 201
    assert uris(relatives(recorder, child)["above"]) == [parent]
    assert end(recorder, parent, child) == 200
