"""Users, as a reader goes through them."""

import re

from playwright.sync_api import expect

from tests.support.browser import Windows, on_both, press
from tests.support.server import Server


@on_both
def test_users_are_gone_through_by_keyboard(windows: Windows, server: Server) -> None:
    """`/` searches, `j` goes into the list, Enter opens the actions of the one that is chosen."""
    page = windows.open("/users?namespace=acme")
    page.route("**/?namespace=acme&user=shipyard-ci", lambda route: route.fulfill(body="their actions"))
    expect(page.get_by_role("link", name="Users", exact=True)).to_have_attribute("aria-current", "page")
    press(page, "/")
    page.keyboard.type("shipyard")
    press(page, "Enter")
    page.wait_for_url("**q=shipyard")
    press(page, "j")
    expect(page.get_by_role("link", name="shipyard-ci")).to_be_focused()
    press(page, "Enter")
    page.wait_for_url(f"{server.address}/?namespace=acme&user=shipyard-ci")


def test_last_seen_is_in_the_readers_zone(windows: Windows) -> None:
    """The date is the reader's own; on hover it is told in UTC, and how long ago it is."""
    page = windows.open("/users?namespace=acme&q=marta", zone="Asia/Tokyo")
    seen = page.get_by_role("row", name="marta").locator("time")
    expect(seen).to_have_text("15 Jul 2026, 02:31:50")
    expect(seen).to_have_attribute("title", "2026-07-14 17:31:50 UTC")
    seen.hover()
    expect(seen).to_have_attribute("title", re.compile(r"^2026-07-14 17:31:50 UTC · (\d+ \w+|yesterday|now)"))
