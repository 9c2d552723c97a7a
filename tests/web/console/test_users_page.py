"""The page of the users."""

import html
import re
from collections.abc import Iterator

import httpx
import pytest

from tests.support.server import Server, issue_key
from tests.web.api.callers import Tenant
from tests.web.console.visitors import Visitor

_ROW = re.compile(r'<td class="name">.*?<bdi>(.*?)</bdi>.*?<td class="number">([\d,]+)</td>', re.DOTALL)


@pytest.fixture
def tenant(server: Server) -> Iterator[Tenant]:
    """A namespace of the test's own."""
    with httpx.Client(base_url=server.api, timeout=60) as http:
        yield Tenant(http, server.key)


@pytest.fixture
def visitor(server: Server, tenant: Tenant) -> Visitor:
    """An auditor there."""
    return Visitor(server, "anna", issue_key(server.url, "anna", tenant.namespace, "auditor"))


def rows(visitor: Visitor, path: str = "/users") -> dict[str, int]:
    """Return the users of a page, in order, with their numbers of actions."""
    answer = visitor.get(path)
    assert answer.status_code == 200, answer.text
    return {html.unescape(name): int(number.replace(",", "")) for name, number in _ROW.findall(answer.text)}


def test_each_user_has_its_number_and_leads_to_its_actions(tenant: Tenant, visitor: Visitor) -> None:
    """Who has actions in the reader's namespace, by name, and nobody of another one."""
    tenant.recorder.batch({"user": "zoe"}, {"user": "Åsa & <b>"}, {"user": "zoe"}, {"user": None})
    assert rows(visitor) == {"zoe": 2, "Åsa & <b>": 1}
    text = html.unescape(visitor.get("/users").text)
    assert '<a href="/?user=zoe"' in text
    assert tenant.recorder.listed("user=zoe")[-1]["uuid"] in text


def test_search_finds_parts_of_names(tenant: Tenant, visitor: Visitor) -> None:
    """In any case; what finds nobody says so, and blanks find everybody."""
    tenant.recorder.batch({"user": "shipyard-ci"}, {"user": "marta"})
    assert rows(visitor, "/users?q=SHIP") == {"shipyard-ci": 1}
    assert rows(visitor, "/users?q=+") == {"marta": 1, "shipyard-ci": 1}
    assert "Nobody is called so" in visitor.get("/users?q=nobody").text


def test_pages_go_on_to_the_end(tenant: Tenant, visitor: Visitor) -> None:
    """Each user is on one page, by the links of the pages."""
    tenant.recorder.batch(*({"user": f"user {number:03}"} for number in range(120)))
    seen: list[str] = []
    path: str | None = "/users?q=user"
    while path is not None:
        seen += rows(visitor, path)
        text = html.unescape(visitor.get(path).text)
        path = text.partition('rel="next" href="')[2].partition('"')[0] or None
    assert seen == [f"user {number:03}" for number in range(120)]


def test_admin_sees_the_users_of_all_namespaces_or_of_one(server: Server, tenant: Tenant) -> None:
    """Each with its namespace, and its link goes there; a namespace that is chosen shows its own alone."""
    tenant.recorder.record(user="only-here")
    admin = Visitor(server)
    text = html.unescape(admin.get("/users?q=only-here").text)
    assert f'/?namespace={tenant.namespace}&user=only-here"' in text
    assert rows(admin, f"/users?namespace={tenant.namespace}") == {"only-here": 1}


def test_user_whose_name_is_too_long_for_an_address_is_shown_all_the_same(tenant: Tenant, visitor: Visitor) -> None:
    """Shortened, with the number of actions, and no link that could only fail."""
    tenant.recorder.record(user="W" * 60_000)
    text = visitor.get("/users").text
    assert "too long to be asked for by a link" in text
    assert len(text) < 20_000


@pytest.mark.parametrize("query", ["limit=5", "offset=x", "offset=-1"])
def test_question_that_makes_no_sense_is_a_400(visitor: Visitor, query: str) -> None:
    """In a sentence, on a page."""
    assert visitor.get(f"/users?{query}").status_code == 400
