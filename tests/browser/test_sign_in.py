"""Signing in and out, as a reader does it."""

from playwright.sync_api import Page, expect

from tests.support.browser import NARROW, Theme, Windows, on_both, overflow, press, violations
from tests.support.server import Server


def fill(page: Page, user: str, key: str) -> None:
    """Sign in by keyboard alone: the user's field has the focus when the page opens."""
    expect(page.get_by_label("User")).to_be_focused()
    page.keyboard.type(user)
    press(page, "Tab")
    page.keyboard.type(key)
    press(page, "Enter")


def has_session(page: Page) -> bool:
    """Tell whether the browser keeps the session's cookie."""
    return any(cookie["name"] == "deedbook" and cookie["value"] for cookie in page.context.cookies())


@on_both
def test_reader_signs_in_by_keyboard_and_comes_to_where_they_wanted_to_go(windows: Windows, server: Server) -> None:
    """Who signs in is sent on to the page that they came from, with all of its query."""
    page = windows.empty()
    page.goto("/sign-in?next=/system%3Fa%3D1")
    fill(page, "me", server.key)
    page.wait_for_url(f"{server.address}/system?a=1")
    assert has_session(page)


def test_wrong_key_is_told_and_the_user_need_not_be_typed_again(windows: Windows) -> None:
    """A wrong key is told in an alert, opens no session, and leaves the user in its field, but not the key."""
    windows.expect("status of 403")
    page = windows.empty()
    page.goto("/sign-in")
    fill(page, "me", "wrong")
    expect(page.get_by_role("alert")).to_have_text("This user and API key are not known, or the key was revoked.")
    expect(page.get_by_label("User")).to_have_value("me")
    expect(page.get_by_label("API key")).to_have_value("")
    assert not has_session(page)


@on_both
def test_sign_in_page_is_accessible_and_fits(windows: Windows, theme: Theme) -> None:
    """On a phone, in either theme, refused too, axe-core finds nothing, and the page need not be pushed sideways."""
    windows.expect("status of 403")
    page = windows.empty(theme=theme, width=NARROW)
    page.goto("/sign-in")
    for sentence in (None, "not known"):
        if sentence:
            fill(page, "me", "wrong")
            expect(page.get_by_role("alert")).to_contain_text(sentence)
        assert violations(page) == []
        assert overflow(page) == 0


def test_sign_in_needs_no_script(windows: Windows, server: Server) -> None:
    """Where no script runs, a reader signs in all the same."""
    page = windows.empty(has_scripts=False)
    page.goto("/sign-in?next=/system")
    fill(page, "me", server.key)
    page.wait_for_url(f"{server.address}/system")
    assert has_session(page)


def test_reader_signs_out(windows: Windows, server: Server) -> None:
    """The menu under the reader's name ends the session, by keyboard alone, and without a script too."""
    for has_scripts in (True, False):
        page = windows.open("/system", has_scripts=has_scripts)
        page.locator("summary", has_text="me").focus()
        press(page, "Enter", "Tab")
        expect(page.get_by_role("button", name="Sign out")).to_be_focused()
        press(page, "Enter")
        page.wait_for_url(f"{server.address}/sign-in")
        assert not has_session(page)


def test_theme_is_switched_and_kept(windows: Windows) -> None:
    """The switch goes from the system's theme to light, dark and back, and the choice is kept; without scripts too."""
    for has_scripts in (True, False):
        page = windows.open("/system", theme="dark", has_scripts=has_scripts)
        ground = [_ground(page)]
        for _ in range(3):
            page.get_by_role("button", name="Switch the theme").click()
            page.wait_for_load_state()
            ground.append(_ground(page))
            assert page.url.endswith("/system")
        dark, light = ground[:2]
        assert dark != light
        assert ground == [dark, light, dark, dark]


def _ground(page: Page) -> str:
    """Return the colour behind a page, as the browser paints it."""
    found = page.locator("body").evaluate("(body) => getComputedStyle(body).backgroundColor")
    return str(found)


def test_page_of_what_is_not_there_leads_back(windows: Windows) -> None:
    """Who follows a broken link reads so, and what to do."""
    windows.expect("status of 404")
    page = windows.open("/nowhere")
    expect(page.get_by_role("heading", level=1)).to_have_text("Not found")
    expect(page.get_by_role("link", name="To the actions")).to_have_attribute("href", "/")
    assert violations(page) == []
