"""Kubernetes audit events, joined, become actions."""

import json

import pytest

from deedbook.domain.commands import ImportAction
from deedbook.domain.lifecycle import State
from deedbook.web.importing.items import Owner
from deedbook.web.importing.stages import Requests
from tests.web.importing.logs import (
    BY,
    DATE,
    Json,
    actions,
    event,
    lines,
    number_of,
    only,
    reading,
    relations,
    unreadable,
    uuid,
)

CLUSTER = "/cluster/dock/"
YARD = "/api/v1/namespaces/yard"
CRANE = f"{YARD}/pods/crane"


def mapped(**changes: object) -> ImportAction:
    """The action that an event with these changes becomes, in a cluster named dock."""
    return only(lines(event(**changes)), "dock.jsonl")


def reference(**members: str) -> Json:
    """An `objectRef`, of API version v1 unless said."""
    return {"apiVersion": "v1"} | members


def test_every_field() -> None:
    """An event gives every field of its action, and nothing that could be done now."""
    action = mapped(requestObject={"spec": {"a": [1, 2]}})
    assert action == ImportAction(
        id=action.id,
        namespace="harbor",
        by=BY,
        action="get pods",
        method="GET",
        path="/api/v1/namespaces/yard/pods/crane?timeout=10s",
        state=State.SUCCESS,
        created=DATE + 1,
        start=DATE + 1,
        end=DATE + 250_000,
        object=CRANE,
        parents=(YARD, CLUSTER),
        body='{"spec":{"a":[1,2]}}',
        user="ada",
        user_agent="kubectl/v1.35",
        ip="192.0.2.7",
        location="unknown",
        is_user_action=True,
        can_be_canceled=False,
        can_be_retried=False,
    )
    assert str(action.id) == uuid(1)


@pytest.mark.parametrize(
    ("about", "uri", "parents"),
    [
        (reference(resource="nodes", name="quay"), "/api/v1/nodes/quay", (CLUSTER,)),
        (reference(resource="pods", namespace="yard"), f"{YARD}/pods", (YARD, CLUSTER)),
        (reference(resource="namespaces", name="yard", namespace="yard"), YARD, (CLUSTER,)),
        (
            reference(resource="pods", namespace="yard", name="crane", subresource="binding"),
            f"{CRANE}/binding",
            (CRANE, YARD, CLUSTER),
        ),
        (
            reference(resource="deployments", namespace="yard", name="crane", apiGroup="apps"),
            "/apis/apps/v1/namespaces/yard/deployments/crane",
            (YARD, CLUSTER),
        ),
        (
            reference(resource="deployments", namespace="yard", name="crane", apiVersion="apps/v1beta1"),
            "/apis/apps/v1beta1/namespaces/yard/deployments/crane",
            (YARD, CLUSTER),
        ),
        (None, "", (CLUSTER,)),
    ],
)
def test_object(about: Json | None, uri: str, parents: tuple[str, ...]) -> None:
    """The object has the URI of its API server; above it are its owner, its namespace, the cluster."""
    action = mapped(objectRef=about)
    assert (action.object, action.parents) == (uri, parents)


def test_name_of_what_was_created() -> None:
    """An object that was created without a name has the one that it was given."""
    about = reference(resource="pods", namespace="yard")
    made = {"metadata": {"name": "crane"}}
    assert mapped(verb="create", objectRef=about, responseObject=made).object == CRANE
    assert mapped(verb="create", objectRef=about, responseObject={"metadata": 7}).object == f"{YARD}/pods"
    assert mapped(verb="list", objectRef=about, responseObject=made).object == f"{YARD}/pods"


@pytest.mark.parametrize(
    ("verb", "about", "name", "method"),
    [
        ("create", reference(resource="pods", subresource="binding"), "create pods/binding", "POST"),
        ("watch", reference(resource="pods"), "watch pods", "GET"),
        ("update", reference(resource="pods"), "update pods", "PUT"),
        ("deletecollection", reference(resource="pods"), "deletecollection pods", "DELETE"),
        ("get", None, "get /api/v1/namespaces/yard/pods/crane", "GET"),
        ("head", None, "head /api/v1/namespaces/yard/pods/crane", "HEAD"),
    ],
)
def test_name_and_method(verb: str, about: Json | None, name: str, method: str) -> None:
    """An action is called by verb and resource, or else by verb and path without the query."""
    action = mapped(verb=verb, objectRef=about)
    assert (action.action, action.method) == (name, method)


@pytest.mark.parametrize(
    ("changes", "is_user"),
    [
        ({}, True),
        ({"user": {"username": "system:node:quay"}}, False),
        ({"user": {"username": "system:admin"}, "impersonatedUser": {"username": "ada"}}, True),
        ({"user": None}, False),
    ],
)
def test_is_user_action(changes: Json, is_user: bool) -> None:  # noqa: FBT001  # what is expected
    """The system's accounts are no users, unless they speak for somebody."""
    assert mapped(**changes).is_user_action is is_user


@pytest.mark.parametrize(
    ("stage", "code", "state"),
    [
        ("ResponseComplete", 399, State.SUCCESS),
        ("ResponseComplete", 400, State.FAILED),
        ("ResponseComplete", None, State.SUCCESS),
        ("Panic", 500, State.FAILED),
        ("Panic", None, State.FAILED),
        ("ResponseStarted", 200, State.IN_PROGRESS),
        ("RequestReceived", None, State.IN_PROGRESS),
    ],
)
def test_state(stage: str, code: int | None, state: State) -> None:
    """A request runs until its last stage, and failed with a status of 400 or more; only then it has ended."""
    action = mapped(stage=stage, responseStatus={"code": code})
    assert action.state is state
    assert (action.end is None) == (state is State.IN_PROGRESS)


def test_stages_of_one_request_are_one_action() -> None:
    """The events of a request give one action, where its last stage is, with that stage's facts."""
    received, started = (event(1, stage=stage, userAgent=stage) for stage in ("RequestReceived", "ResponseStarted"))
    found = actions(reading(lines(received, event(2), started, event(1), event(3))))
    assert [(number_of(action), action.user_agent) for action in found] == [
        (2, "kubectl/v1.35"),
        (1, "kubectl/v1.35"),
        (3, "kubectl/v1.35"),
    ]


def test_open_requests_come_last() -> None:
    """A request without its last stage is In progress, as its latest stage has it, at the end."""
    received = event(1, stage="RequestReceived")
    started = event(1, stage="ResponseStarted", objectRef=reference(resource="nodes"))
    for order in ((received, started), (started, received)):
        found = actions(reading(lines(*order, event(2))))
        assert [action.state for action in found] == [State.SUCCESS, State.IN_PROGRESS]
        assert found[1].object == "/api/v1/nodes"


def test_after_the_last_stage_nothing_counts() -> None:
    """An event that comes again, or too late, after the last stage gives no second action."""
    found = actions(reading(lines(event(1), event(1), event(1, stage="RequestReceived"))))
    assert [action.state for action in found] == [State.SUCCESS]


def test_too_many_open_requests() -> None:
    """Beyond the bound, the oldest open request is given up as still open; what ends later is an action again."""
    requests = Requests(Owner("harbor", BY), "dock", most=2)
    received = [event(number, stage="RequestReceived") for number in (1, 2, 3)]
    events = [json.dumps(one).encode() for one in (*received, event(1), event(2))]
    found = [item for line, text in enumerate(events, 1) for item in requests.event(text, line)]
    found += requests.rest()
    assert [(number_of(action), action.state) for action in actions(found)] == [
        (1, State.IN_PROGRESS),
        (1, State.SUCCESS),
        (2, State.SUCCESS),
        (3, State.IN_PROGRESS),
    ]


def test_relationships() -> None:
    """Each relationship above the objects of a file is stated once, before the action that needs it."""
    binding = reference(resource="pods", namespace="yard", name="crane", subresource="binding")
    found = reading(
        lines(event(1), event(2), event(3, objectRef=binding), event(4, objectRef=binding)), "dock.jsonl.gz"
    )
    assert relations(found) == [(YARD, CLUSTER), (CRANE, YARD)]
    assert [one.line for one in found] == [1, 1, 2, 3, 3, 4]


def test_older_shape() -> None:
    """An event of 2017, with one date and no stage, is a request that took no time."""
    old = event(timestamp="2017-09-11T19:55:05Z")
    for key in ("stage", "requestReceivedTimestamp", "stageTimestamp", "userAgent"):
        del old[key]
    action = only(lines(old))
    assert action.state is State.SUCCESS
    assert action.start == action.end == 1_505_159_705_000_000
    assert action.user_agent is None


def test_event_list() -> None:
    """A list of events gives what its events give one by one."""
    events = [event(1), event(2, stage="RequestReceived")]
    text = json.dumps({"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "metadata": {}, "items": events})
    assert reading(text) == reading(lines(*events))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"stage": "Finished"}, "invalid enum value 'Finished'"),
        ({"stageTimestamp": "soon"}, "'soon' is not a date"),
        ({"verb": None}, "expected `str`"),
        ({"requestReceivedTimestamp": None, "stageTimestamp": None}, "it has no date"),
    ],
)
def test_a_wrong_event(changes: Json, reason: str) -> None:
    """An event that can't be read is reported with its line and reason, and what was known before stays."""
    found = reading(lines(event(1, stage="RequestReceived"), event(1, **changes)))
    (bad,) = unreadable(found)
    assert bad.line == 2
    assert reason in bad.reason
    assert [action.state for action in actions(found)] == [State.IN_PROGRESS]
