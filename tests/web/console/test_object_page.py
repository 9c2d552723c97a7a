"""The page of an object."""

import html
from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest

from tests.support.server import Server, issue_key
from tests.web.api.callers import Tenant
from tests.web.console.visitors import Visitor


@pytest.fixture
def tenant(server: Server) -> Iterator[Tenant]:
    """A namespace of the test's own."""
    with httpx.Client(base_url=server.api, timeout=60) as http:
        yield Tenant(http, server.key)


@pytest.fixture
def visitor(server: Server, tenant: Tenant) -> Visitor:
    """An auditor there."""
    return Visitor(server, "anna", issue_key(server.url, "anna", tenant.namespace, "auditor"))


def page(visitor: Visitor, **query: str) -> str:
    """Return the text of an object's page."""
    answer = visitor.get(f"/object?{httpx.QueryParams(query)}")
    assert answer.status_code == 200, answer.text
    return html.unescape(answer.text)


def test_actions_are_its_own_or_those_of_all_related(tenant: Tenant, visitor: Visitor) -> None:
    """The page lists what the API does, with the same total, either way."""
    stack, service, other = (f"/{kind}/{uuid4()}/" for kind in ("stack", "service", "other"))
    tenant.recorder.record(object=service, parents=[stack], action="Service Scale")
    tenant.recorder.record(object=stack, action="Stack Stop")
    tenant.recorder.record(object=other, action="Other Thing")
    own, related = page(visitor, object=stack), page(visitor, object=stack, include_related="true")
    assert ("Service Scale" in own, "Stack Stop" in own, "1 in all" in own) == (False, True, True)
    assert ("Service Scale" in related, "Stack Stop" in related, "2 in all" in related) == (True, True, True)
    assert "Other Thing" not in related
    assert service in own.partition("Below it")[2]
    assert stack in page(visitor, object=service).partition("Above it")[2].partition("Below it")[0]


def test_lane_has_what_runs_and_what_waits(tenant: Tenant, visitor: Visitor) -> None:
    """What runs first, then what waits in its order; nothing once all has ended."""
    uri = f"/service/{uuid4()}/"
    running = tenant.recorder.record(object=uri, state="In progress", action="Run")
    waiting = [tenant.recorder.record(object=uri, state="Pending", action=f"Wait {number}") for number in (1, 2)]
    lane = page(visitor, object=uri).partition('id="lane"')[2].partition("</section>")[0]
    assert [word in lane for word in ("Running (1)", "Waiting (2)")] == [True, True]
    assert lane.index("Run</bdi>") < lane.index("Wait 1") < lane.index("Wait 2")
    for action in (running, *waiting):
        tenant.recorder.act(action, "finish", {"state": "Success"})
    assert "Nothing runs on it, and nothing waits." in page(visitor, object=uri)


def test_object_of_another_namespace_is_not_there(server: Server, tenant: Tenant, visitor: Visitor) -> None:
    """What the reader may not see is as one that never was: 404; an admin sees it, with or without its namespace."""
    uri = f"/service/{uuid4()}/"
    Tenant(tenant.http, server.key).recorder.record(object=uri)
    for unseen in (uri, "/never/seen/"):
        answer = visitor.get(f"/object?{httpx.QueryParams(object=unseen)}")
        assert answer.status_code == 404
        assert "There is no action and no relationship of the object" in answer.text
    assert "1 in all" in page(Visitor(server), object=uri)
    assert Visitor(server).get(f"/object?{httpx.QueryParams(object=uri, namespace='acme')}").status_code == 404


@pytest.mark.parametrize(
    "query", ["", "object=", "object=a&object=b", "object=a&state=Failed", "object=a&cursor=x", "object=a&relatives=x"]
)
def test_question_that_makes_no_sense_is_a_400(visitor: Visitor, query: str) -> None:
    """In a sentence, on a page."""
    answer = visitor.get(f"/object?{query}")
    assert (answer.status_code, answer.headers["content-type"]) == (400, "text/html; charset=utf-8")


def test_relationships_are_shown_as_many_as_asked_for(tenant: Tenant, visitor: Visitor) -> None:
    """The nearest first, with a link to more; one that ended is still there, and said to have."""
    root = f"/stack/{uuid4()}/"
    children = [f"{root}{number}/" for number in range(5)]
    for child in children:
        tenant.recorder.relate(root, child)
    tenant.recorder.unrelate(root, children[0])
    few = page(visitor, object=root, relatives="3")
    assert children[2] in few
    assert children[3] not in few
    assert "Show up to 30" in few
    every = page(visitor, object=root, relatives="30")
    assert all(child in every for child in children)
    assert every.count("until <time") == 1


def test_pages_go_on_to_the_end_and_back(tenant: Tenant, visitor: Visitor) -> None:
    """Each action is on one page, newest first, by the links of the pages."""
    uri = f"/service/{uuid4()}/"
    tenant.recorder.batch(*({"object": uri, "action": f"Number {number:02}"} for number in range(60)))
    seen: list[str] = []
    path: str | None = f"/object?{httpx.QueryParams(object=uri)}"
    while path is not None:
        text = html.unescape(visitor.get(path).text)
        seen += [part[:9] for part in text.partition("data-rows")[2].split("<bdi>") if part.startswith("Number ")]
        path = text.partition('rel="next" href="')[2].partition('"')[0] or None
    assert seen == [f"Number {number:02}" for number in reversed(range(60))]
