"""Health, as a reader and as an admin see it."""

import re

import httpx
from playwright.sync_api import Page, expect

from tests.support.browser import Reader, Windows, on_both, press
from tests.support.server import Server, issue_key

ACTION = {"action": "Service Scale", "method": "POST", "path": "/x/", "state": "Success"}


@on_both
def test_figures_are_those_of_health(windows: Windows, server: Server) -> None:
    """Head, root, position, lag and version of each view are what `/health` tells, and so is the command to verify."""
    page = windows.open("/system")
    told = httpx.get(f"{server.address}/health", timeout=30).json()
    root = told["views"]["head"].partition(":")[2]
    expect(page.get_by_text(root, exact=True)).to_be_visible()
    expect(page.get_by_text(f"deedbook verify --head {told['views']['head']}", exact=True)).to_be_visible()
    for name, version in told["views"]["versions"].items():
        row = page.get_by_role("row", name=re.compile(f"^{name} "))
        expect(row.get_by_role("cell").nth(1)).to_have_text(str(version))
        expect(row.get_by_role("cell").nth(2)).to_have_text(f"{told['views']['position']:,}")


@on_both
def test_figures_follow_by_themselves(windows: Windows, server: Server) -> None:
    """What is recorded while the page is open shows, and where the reader is in the page stays."""
    page = windows.open("/system")
    button = page.get_by_role("button", name="Rebuild the views…")
    button.focus()
    with server.client() as client:
        position = client.post("/action/", json=ACTION).headers["deedbook-position"]
    expect(page.locator(".tile").first).to_contain_text(f"{int(position):,}")
    expect(button).to_be_focused()


def _rebuild(page: Page) -> None:
    """Begin a rebuild by keyboard, and wait until the page tells that it is done."""
    before = page.locator("#live-rebuild").inner_text()
    page.get_by_role("button", name="Rebuild the views…").focus()
    press(page, "Enter")
    expect(page.get_by_role("button", name="Rebuild", exact=True)).to_be_focused()
    press(page, "Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    press(page, "Enter", "Enter")
    expect(page.locator("#live-rebuild")).not_to_have_text(before)
    expect(page.locator("#live-rebuild")).to_contain_text(re.compile(r"No rebuild runs\..*me asked for it", re.DOTALL))


def test_admin_rebuilds_the_views_after_being_asked(windows: Windows) -> None:
    """By keyboard alone; Escape does nothing; the page tells when it is done, and by whom it was asked for."""
    _rebuild(windows.open("/system"))


def test_who_is_no_admin_is_not_offered_a_rebuild(windows: Windows, server: Server) -> None:
    """An auditor sees the figures, and nothing that they may not do."""
    anna = Reader("anna", issue_key(server.url, "anna", role="auditor"))
    page = windows.open("/system", reader=anna)
    expect(page.get_by_role("heading", name="Rebuild")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("Rebuild"))).to_have_count(0)


def test_each_view_says_what_it_answers(windows: Windows) -> None:
    """Whoever reads the figures of a view is told what it is for."""
    page = windows.open("/system")
    purposes = page.locator("td.wide:not(.number)").all_inner_texts()
    assert len(purposes) > 5
    assert all(purposes)


def test_page_says_when_the_server_is_gone(windows: Windows) -> None:
    """Figures that can't be asked for are told to be old, in the bar, until they can be again."""
    windows.expect("ERR_INTERNET_DISCONNECTED|htmx:(sendError|afterRequest)")
    page = windows.open("/system")
    page.context.set_offline(True)
    expect(page.locator("#link-state")).to_have_text("Not connected; trying again")
    page.context.set_offline(False)
    expect(page.locator("#link-state")).to_be_hidden()
