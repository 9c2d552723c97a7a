"""The list comes page by page."""

from collections.abc import Iterator
from itertools import pairwise
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.server import Server
from tests.web.api.callers import Caller, Json, Tenant

COUNT = 30


@pytest.fixture(scope="module")
def shelf(server: Server, http: httpx.Client) -> Tenant:
    """A namespace with thirty actions, of which every third is Failed."""
    tenant = Tenant(http, server.key)
    tenant.recorder.batch(*({"action": f"n{n}", "state": "Success" if n % 3 else "Failed"} for n in range(COUNT)))
    return tenant


def names(page: Json) -> list[str]:
    """Return the names of a page's actions."""
    return [action["action"] for action in page["objects"]]


def walk(caller: Caller, query: str) -> Iterator[Json]:
    """Return all pages from one on, by their `next`."""
    page = caller.page(query)
    yield page
    while page["meta"]["next"]:
        page = caller.http.get(f"{caller.http.base_url.join('/')}{page['meta']['next'].lstrip('/')}",
                               auth=(caller.user, caller.key)).json()  # fmt: skip
        yield page


def test_an_envelope_has_meta_and_objects(shelf: Tenant) -> None:
    """Both are there and nothing else; so are all keys of `meta`, and its numbers are integers."""
    page = shelf.recorder.page("limit=4&offset=4")
    assert set(page) == {"meta", "objects"}
    assert set(page["meta"]) == {
        "limit", "offset", "next", "previous", "total_count", "next_cursor", "previous_cursor"
    }  # fmt: skip
    numbers = [page["meta"][name] for name in ("limit", "offset", "total_count")]
    assert (numbers, {type(number) for number in numbers}) == ([4, 4, COUNT], {int})


def test_an_empty_list_has_an_envelope_too(recorder: Caller) -> None:
    """With no actions there is no next page and no previous one."""
    assert recorder.page() == {
        "meta": {
            "limit": 25, "offset": 0, "next": None, "previous": None, "total_count": 0, "next_cursor": None,
            "previous_cursor": None,
        },
        "objects": [],
    }  # fmt: skip


def test_a_page_has_25_actions_unless_said_otherwise(shelf: Tenant) -> None:
    """And its `next` names the limit and the offset that it goes on with."""
    page = shelf.recorder.page()
    assert (len(page["objects"]), page["meta"]["limit"], page["meta"]["offset"]) == (25, 25, 0)
    assert page["meta"]["next"] == "/api/audit/v1/action/?limit=25&offset=25"
    assert page["meta"]["previous"] is None


@given(limit=st.integers(1, 700), offset=st.integers(0, COUNT + 5))
@example(limit=COUNT, offset=0)
@example(limit=10, offset=20)
@example(limit=10, offset=19)
@example(limit=1, offset=COUNT)
@settings(max_examples=40)
def test_a_page_is_a_slice_of_the_list(shelf: Tenant, limit: int, offset: int) -> None:
    """Whatever limit and offset: the page holds those actions, and says whether there are more on either side."""
    page = shelf.recorder.page(f"limit={limit}&offset={offset}")
    assert names(page) == [f"n{n}" for n in range(COUNT)][offset : offset + limit]
    assert (page["meta"]["next"] is None) == (offset + limit >= COUNT)
    assert (page["meta"]["previous"] is None) == (offset == 0)


@pytest.mark.parametrize("limit", ["500", "501", "100000", "999999999999"])
def test_more_than_500_is_taken_as_500(shelf: Tenant, limit: str) -> None:
    """`meta` tells the limit that is really used."""
    assert shelf.recorder.page(f"limit={limit}")["meta"]["limit"] == 500


@pytest.mark.parametrize("limit", ["0", "-1", "x", "", "2.5", "1e2", "0x10", "%D9%A1", "NaN", "9" * 30])
def test_a_limit_that_makes_no_sense_is_refused(shelf: Tenant, limit: str) -> None:
    """Zero, negative or no number: 400, naming it."""
    answer = shelf.recorder.get(f"/action/?limit={limit}")
    assert (answer.status_code, "limit" in answer.json()["error"]) == (400, True)


@pytest.mark.parametrize("offset", ["-1", "x", "", "2.5", "9" * 30])
def test_an_offset_that_makes_no_sense_is_refused(shelf: Tenant, offset: str) -> None:
    """Negative or no number: 400, naming it."""
    answer = shelf.recorder.get(f"/action/?offset={offset}")
    assert (answer.status_code, "offset" in answer.json()["error"]) == (400, True)


@pytest.mark.parametrize("way", ["start_date", "-start_date"])
def test_next_leads_through_every_action_once(shelf: Tenant, way: str) -> None:
    """Following it gives the whole list in order, and then null."""
    pages = list(walk(shelf.recorder, f"limit=7&order_by={way}"))
    assert [len(page["objects"]) for page in pages] == [7, 7, 7, 7, 2]
    seen = [name for page in pages for name in names(page)]
    assert seen == [f"n{n}" for n in (range(COUNT) if way == "start_date" else reversed(range(COUNT)))]


def test_previous_leads_back(shelf: Tenant) -> None:
    """It names the page before, and begins at 0 where less than a page lies before."""
    back = [shelf.recorder.page(f"limit=10&offset={offset}")["meta"]["previous"] for offset in (20, 10, 3)]
    assert [parse_qs(urlsplit(uri).query)["offset"] for uri in back] == [["10"], ["0"], ["0"]]


@pytest.mark.parametrize("root", ["", "/{namespace}"])
def test_next_and_previous_keep_filters_and_namespace(shelf: Tenant, root: str) -> None:
    """They are relative, begin with /api/, hold every filter as it was, and the namespace if the request had it."""
    named = root.format(namespace=shelf.namespace)
    caller = Caller(shelf.http, shelf.recorder.user, shelf.recorder.key, named)
    filters = {"state": ["Success", "In progress"], "user": ["rita", "a&b=c +ü/"], "order_by": ["-start_date"]}
    meta = caller.page({**filters, "limit": "5", "offset": "5"})["meta"]
    for uri, offset in ((meta["next"], "10"), (meta["previous"], "0")):
        assert urlsplit(uri).path == f"/api/audit/v1{named}/action/"
        assert uri.startswith("/api/")
        assert parse_qs(urlsplit(uri).query) == {**filters, "limit": ["5"], "offset": [offset]}


def test_the_sdk_walks_the_log_by_meta(shelf: Tenant) -> None:
    """Its first request has no limit; it goes on with limit and offset from `meta` until `next` is falsy."""
    page, seen = shelf.recorder.page(), []
    while True:
        seen += names(page)
        if not page["meta"]["next"]:
            break
        behind = page["meta"]["offset"] + page["meta"]["limit"]
        page = shelf.recorder.page(f"limit={page['meta']['limit']}&offset={behind}")
    assert seen == [f"n{n}" for n in range(COUNT)]


def test_total_count_is_of_what_the_filters_leave(shelf: Tenant) -> None:
    """Not of the page, nor of the log."""
    meta = shelf.recorder.page("state=Failed&limit=3")["meta"]
    assert (meta["total_count"], meta["limit"]) == (10, 3)


@pytest.mark.parametrize("order", ["start_date", "-start_date"])
def test_cursors_lead_to_each_page_and_back(shelf: Tenant, order: str) -> None:
    """From the first page to the last and back: the same pages, the same total, links that keep the filters."""
    query: dict[str, str | list[str]] = {"limit": "7", "order_by": order, "state": ["Success", "Failed"]}
    pages = [shelf.recorder.page(query)]
    while pages[-1]["meta"]["next_cursor"]:
        pages.append(shelf.recorder.page({**query, "cursor": pages[-1]["meta"]["next_cursor"]}))
    assert [len(page["objects"]) for page in pages] == [7, 7, 7, 7, 2]
    assert [name for page in pages for name in names(page)] == names(shelf.recorder.page(f"limit=99&order_by={order}"))
    assert {page["meta"]["total_count"] for page in pages} == {COUNT}
    for before, page in pairwise(pages):
        back = shelf.recorder.page({**query, "cursor": page["meta"]["previous_cursor"]})
        assert names(back) == names(before)
        assert back["meta"]["next_cursor"] is not None
        assert (back["meta"]["previous_cursor"] is None) == (before is pages[0])
    second = urlencode({**query, "cursor": pages[0]["meta"]["next_cursor"]}, doseq=True)
    assert [names(page) for page in walk(shelf.recorder, second)] == [names(page) for page in pages[1:]]


def test_a_cursor_stays_where_it_is_while_actions_come(recorder: Caller) -> None:
    """Newest first, more arrive in front: the page behind a cursor is the one that it was."""
    recorder.batch(*({"action": f"n{n}"} for n in range(6)))
    first = recorder.page("order_by=-start_date&limit=3")
    behind = recorder.page(f"order_by=-start_date&limit=3&cursor={first['meta']['next_cursor']}")
    recorder.batch(*({"action": f"m{n}"} for n in range(4)))
    again = recorder.page(f"order_by=-start_date&limit=3&cursor={first['meta']['next_cursor']}")
    assert names(again) == names(behind) == ["n2", "n1", "n0"]
    assert (behind["meta"]["total_count"], again["meta"]["total_count"]) == (6, 10)
    assert names(recorder.page(f"order_by=-start_date&limit=99&cursor={again['meta']['previous_cursor']}")) == [
        "m3", "m2", "m1", "m0", "n5", "n4", "n3"
    ]  # fmt: skip


@pytest.mark.parametrize("cursor", ["", "x", "é", "bjE", "bnguMg", "%00", "eDEuMg", "bjEuLTI"])
def test_a_cursor_that_no_page_gave_is_refused(shelf: Tenant, cursor: str) -> None:
    """400, and the sentence says where cursors come from."""
    answer = shelf.recorder.get(f"/action/?cursor={cursor}")
    assert (answer.status_code, "next_cursor" in answer.json()["error"]) == (400, True)


def test_a_cursor_and_an_offset_exclude_each_other(shelf: Tenant) -> None:
    """400."""
    cursor = shelf.recorder.page("limit=1")["meta"]["next_cursor"]
    assert shelf.recorder.get(f"/action/?cursor={cursor}&offset=1").status_code == 400
