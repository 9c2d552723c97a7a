"""An object, as somebody looks at it while it is worked on."""

import re
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, expect

from tests.support.browser import GONE, Windows, link, on_both, press
from tests.support.server import Server, serving
from tests.web.api.callers import Caller

#: A stack of the sample log, and how a service of it is shown.
STACK = "/api/app/v1/stack/2d224549-05cc-4901-93f3-dd47daf16259/"
SERVICE = "service/e43b727c…"


@pytest.fixture
def uri() -> str:
    """An object of the test's own."""
    return f"/service/{uuid4()}/"


@on_both
def test_lane_and_rows_follow_and_what_is_new_is_announced(windows: Windows, server: Server, uri: str) -> None:
    """Another client's work shows without a reload: the lane, the states in the list; new actions only when asked."""
    with server.client() as http:
        worker = Caller(http, "me", server.key)
        first = worker.record(object=uri, state="In progress", action="First")
        page = windows.open(link("/object", object=uri))
        row = page.locator(f"#action-{first['uuid']}")
        row.get_by_role("link", name="First").focus()
        worker.record(object=uri, state="Pending", action="Second")
        lane = page.get_by_role("region", name="Lane")
        expect(lane.get_by_role("list", name="Waiting")).to_contain_text("Second")
        expect(page.get_by_role("link", name="1 new")).to_be_visible()
        expect(page.locator("[data-rows] tr")).to_have_count(1)
        worker.act(first, "finish", {"state": "Failed"})
        expect(row).to_contain_text("Failed")
        expect(row.get_by_role("link", name="First")).to_be_focused()
        expect(lane.get_by_role("list", name="Running")).to_contain_text("Second")
        press(page, ".")
        expect(page.locator("[data-rows] tr")).to_have_count(2)


@on_both
def test_tree_leads_from_object_to_object(windows: Windows) -> None:
    """By keyboard: branches open and close, links go to the object, and there what was below is above."""
    page = windows.open(link("/object", object=STACK))
    tree = page.get_by_role("region", name="Related objects")
    fold = tree.locator("summary").first
    expect(tree.get_by_text("container/5b76c785…")).to_be_visible()
    fold.focus()
    press(page, "Enter")
    expect(tree.get_by_text("container/5b76c785…")).to_be_hidden()
    tree.get_by_role("link", name=SERVICE).focus()
    press(page, "Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("/service/e43b727c")
    above = tree.locator("ul").first
    expect(above).to_contain_text("stack/2d224549…")


def test_page_says_when_it_is_not_live_and_catches_up(browser: Browser, tmp_path: Path, uri: str) -> None:
    """While the server is gone the bar says so; once it is back the words go, and what happened then shows."""
    with serving(tmp_path) as server, server.client() as http:
        windows = Windows(browser, server)
        windows.expect(GONE)
        worker = Caller(http, "me", server.key)
        worker.record(object=uri, action="Before")
        page = windows.open(link("/object", object=uri))
        server.kill()
        expect(page.locator("#link-state")).to_contain_text("Not live")
        server.start()
        worker.record(object=uri, action="After", state="In progress")
        expect(page.get_by_role("region", name="Lane")).to_contain_text("After")
        expect(page.locator("#link-state")).to_be_hidden()
        assert windows.close() == []


@on_both
def test_page_is_read_without_scripts(windows: Windows) -> None:
    """Tree, lane, actions and their pages are there, and the links between them work."""
    page = windows.open(link("/object", object=STACK), has_scripts=False)
    page.get_by_role("link", name="With all above and below").click()
    expect(page.get_by_text(re.compile(r"^2\d in all$"))).to_be_visible()
    page.get_by_role("link", name="Older").click()
    expect(page.get_by_role("link", name="Newer")).to_be_visible()
