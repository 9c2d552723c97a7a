"""The columns of a list, as its readers choose them."""

import re

from playwright.sync_api import Page, expect

from tests.browser.listing import finish, record
from tests.support.browser import NARROW, WIDE, Theme, Windows, link, on_both, overflow, press, violations
from tests.support.server import Server


def _heads(page: Page) -> list[str]:
    return [head.strip(" ↓") for head in page.locator(".actions th").all_inner_texts()]


def _choose(page: Page, *names: str) -> None:
    """Change the choice of some columns, by keyboard alone."""
    page.locator("summary", has_text="Columns").focus()
    press(page, "Enter")
    for name in names:
        page.get_by_role("checkbox", name=name, exact=True).focus()
        press(page, "Space")
    page.get_by_role("button", name="Show", exact=True).focus()
    with page.expect_navigation():
        press(page, "Enter")


@on_both
def test_columns_are_chosen_and_kept(windows: Windows) -> None:
    """On every list of this browser, with the same filters as before; without scripts too; and so back."""
    usual = ["State", "Operation", "Object", "User", "Address", "Started", "Duration"]
    for has_scripts in (True, False):
        page = windows.open("/?namespace=acme&state=Failed", has_scripts=has_scripts)
        assert _heads(page) == usual
        _choose(page, "Call", "Agent", "Id", "Address", "Duration")
        expect(page.locator(".actions th")).to_have_count(8)
        assert _heads(page) == ["State", "Operation", "Object", "Call", "User", "Agent", "Started", "Id"]
        expect(page.locator(".chip")).to_have_count(1)
        for row in page.locator(".actions tbody tr").all()[:5]:
            assert row.locator("td").count() == 8
            identity = str(row.get_attribute("id")).removeprefix("action-")
            expect(row.locator(".id")).to_contain_text(identity[:8])
            expect(row.locator(".call")).to_have_text(re.compile(r"^\s*[A-Z]+ \S"))
        with page.expect_navigation():
            page.locator(".object .uri a").first.click()
        assert "Agent" in _heads(page)
        page.go_back()
        _choose(page, "Call", "Agent", "Id", "Address", "Duration")
        expect(page.locator(".actions th")).to_have_count(7)
        assert _heads(page) == usual


def test_a_row_that_changes_keeps_its_columns(windows: Windows, server: Server) -> None:
    """What ends while it is looked at has the same cells as before."""
    action = record(server, state="In progress", object="/columns/", user_agent="robot/1.0")
    page = windows.open("/?namespace=acme&object=/columns/")
    _choose(page, "Agent", "Duration")
    row = page.locator(f"#action-{action}")
    expect(row.locator("td")).to_have_count(7)
    finish(server, action)
    expect(row.locator(".state")).to_have_text("Success")
    expect(row.locator("td")).to_have_count(7)
    expect(row.locator(".agent")).to_have_text("robot/1.0")


@on_both
def test_every_column_at_once_is_accessible(windows: Windows, theme: Theme) -> None:
    """The menu open and closed, on a phone as cards and on a wide window; the page need not be pushed sideways."""
    page = windows.open(link("/", namespace="acme"), theme=theme)
    _choose(page, "Call", "Agent", "Id")
    page.locator("summary", has_text="Columns").click()
    assert violations(page) == []
    for width in (NARROW, WIDE, 1920):
        page.set_viewport_size({"width": width, "height": 900})
        assert (width, overflow(page)) == (width, 0)
        assert (width, violations(page)) == (width, [])
