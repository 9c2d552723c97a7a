"""Every page, in both themes, narrow and wide: axe-core finds nothing, and nothing has to be pushed sideways."""

import pytest
from playwright.sync_api import Page

from tests.support.browser import NARROW, THEMES, WIDE, Theme, Windows, link, on_both, overflow, press, violations

STACK = "/api/app/v1/stack/2d224549-05cc-4901-93f3-dd47daf16259/"

#: Every page, and what is opened on it before it is looked at.
PAGES = {
    "actions": "/",
    "found": "/?q=deploy&state=Success",
    "action": "/action/e072c621-5e55-48f9-809d-7c90ae8fa9fc",
    "action that runs": "/action/969cb4d1-714b-42b2-b2e8-6003e7ef0bb6",
    "cancel": "/action/969cb4d1-714b-42b2-b2e8-6003e7ef0bb6/cancel",
    "users": "/users",
    "nobody": "/users?q=nobody",
    "object": link("/object", object=STACK),
    "related": link("/object", object=STACK, include_related="true"),
    "health": "/system",
    "keys": "/keys?revoked=true",
    "no key": "/keys?q=nobody",
    "api": "/api",
    "not there": "/nowhere",
}


def _open_all(page: Page) -> None:
    """Open all that can be opened on a page."""
    page.evaluate("for (const one of document.querySelectorAll('main details, .as-call')) one.open = true")


@pytest.mark.parametrize("name", PAGES)
def test_page_is_accessible_and_fits(windows: Windows, name: str) -> None:
    """Whatever can be opened on it is open; in both themes, on a phone and on a wide window."""
    windows.expect("status of 404")
    page = windows.open(PAGES[name])
    for width in (NARROW, WIDE):
        page.set_viewport_size({"width": width, "height": 900})
        assert (width, overflow(page)) == (width, 0)
    _open_all(page)
    for width in (NARROW, WIDE):
        page.set_viewport_size({"width": width, "height": 900})
        for theme in THEMES:
            page.emulate_media(color_scheme=theme)
            assert (width, theme, violations(page)) == (width, theme, [])


@on_both
def test_asking_is_accessible(windows: Windows, theme: Theme) -> None:
    """What asks first: the dialog of a rebuild, the page that revokes a key; and the list of shortcuts."""
    page = windows.open("/system", theme=theme)
    page.get_by_role("button", name="Rebuild the views…").click()
    assert violations(page) == []
    page.goto("/system")
    press(page, "?")
    page.get_by_role("dialog", name="Keyboard").wait_for()
    assert violations(page) == []
    page.goto("/keys")
    page.get_by_role("link", name="Revoke").first.click()
    page.get_by_role("heading", name="Revoke this key?").wait_for()
    assert violations(page) == []
