"""The page of an action in a browser: it lives with the action, and asks before something is done."""

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import NARROW, WIDE, Reader, Theme, Windows, on_both, overflow, press, violations
from tests.support.server import Server
from tests.web.api.callers import Caller, Json, Tenant

#: What is in no field just text: mark-up, what a terminal obeys, what turns the direction, a name that runs on.
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\x1b[2J\x1b]8;;http://evil.example/\x1b\\'\"&{{7*7}}\u202egnp.exe"


@pytest.fixture
def tenant(server: Server) -> Iterator[Tenant]:
    """A namespace that only this test uses."""
    with httpx.Client(base_url=server.api, timeout=60) as http:
        yield Tenant(http, server.key)


def shown(windows: Windows, caller: Caller, action: Json, **how: int | bool) -> Page:
    """Open the page of an action in a window of its own, and return when it is live."""
    page = windows.open(f"/action/{action['uuid']}", reader=Reader(caller.user, caller.key), **how)  # type: ignore[arg-type]  # each by its name
    expect(page.locator("#output-link")).not_to_be_empty()
    return page


@on_both
def test_one_cancels_and_the_other_sees_it(windows: Windows, tenant: Tenant) -> None:
    """The dialog names operation and object; both browsers then show the new state and its step, without a reload."""
    action = tenant.recorder.record(state="In progress", action="Big Deploy", object="/service/1/")
    mine, other = shown(windows, tenant.operator, action), shown(windows, tenant.auditor, action)
    expect(other.get_by_role("link", name="Cancel")).to_have_count(0)
    for page in (mine, other):
        page.evaluate("window.isTheSame = true")
    mine.get_by_role("link", name="Cancel").click()
    dialog = mine.get_by_role("dialog", name="Cancel this action?")
    expect(dialog).to_contain_text("Big Deploy on /service/1/")
    expect(mine.get_by_role("button", name="Leave it as it is")).to_be_focused()
    assert tenant.auditor.fetch(action)["state"] == "In progress"
    dialog.get_by_role("button", name="Cancel the action").click()
    # First, since it is told for some seconds only.
    for page in (mine, other):
        expect(page.locator("#told")).to_have_text("The action is now Canceling.")
    for page in (mine, other):
        expect(page.locator(".action-head .state")).to_have_text("Canceling")
        expect(page.locator(".history > li").last).to_contain_text(re.compile(r"Cancel requested.*by otto", re.DOTALL))
        assert page.evaluate("window.isTheSame")
    expect(dialog).to_be_hidden()
    expect(mine.get_by_role("link", name="Cancel")).to_have_count(0)
    tenant.recorder.act(action, "finish", {"state": "Canceled"})
    for page in (mine, other):
        expect(page.locator(".action-head .state")).to_have_text("Canceled")
        expect(page.locator("#output-link")).to_contain_text("Ended")
    expect(mine.get_by_role("link", name="Retry")).to_be_visible()
    expect(mine).to_have_title(re.compile("Canceled"))


@on_both
def test_retrying_leads_to_the_new_action_and_the_old_one_tells_of_it(windows: Windows, tenant: Tenant) -> None:
    """By keyboard alone; who looks at the old action sees its attempts, and how the new one ends."""
    action = tenant.recorder.record(state="Failed", action="Deploy")
    mine, other = shown(windows, tenant.operator, action), shown(windows, tenant.auditor, action)
    press(mine, "r")
    expect(mine.get_by_role("dialog")).to_be_visible()
    press(mine, "Shift+Tab", "Enter")
    mine.wait_for_url(lambda url: "/action/" in url and action["uuid"] not in url)
    new = mine.url.rpartition("/")[2]
    expect(mine.locator(".action-head .state")).to_have_text("In progress")
    rows = other.locator(".attempts tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.last).to_contain_text("In progress")
    tenant.recorder.act({"uuid": new}, "finish", {"state": "Success"})
    expect(rows.last).to_contain_text("Success")
    expect(mine.locator(".action-head .state")).to_have_text("Success")


def test_what_became_impossible_is_told_and_nothing_is_lost(windows: Windows, tenant: Tenant) -> None:
    """Where the action ends while its reader is asked, the question goes; the focus and what was unfolded stay."""
    action = tenant.recorder.record(state="In progress")
    page = shown(windows, tenant.operator, action)
    page.locator("#step-1 summary").click()
    press(page, "x")
    expect(page.get_by_role("dialog")).to_be_visible()
    tenant.recorder.act(action, "finish", {"state": "Success"})
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.locator("#told")).to_contain_text("no longer possible")
    expect(page.locator("#step-1")).to_have_attribute("open", "")
    page.locator("#step-2 summary").focus()
    press(page, "Escape")
    expect(page.get_by_role("link", name="Retry")).to_be_visible()


@on_both
def test_without_scripts_a_page_asks(windows: Windows, tenant: Tenant) -> None:
    """The link leads to a page that names the object; its button cancels and leads back."""
    action = tenant.recorder.record(state="In progress", object="/service/1/")
    reader = Reader(tenant.operator.user, tenant.operator.key)
    page = windows.open(f"/action/{action['uuid']}", reader=reader, has_scripts=False)
    page.get_by_role("link", name="Cancel").click()
    expect(page.locator("main")).to_contain_text("/service/1/")
    page.get_by_role("button", name="Cancel the action").click()
    expect(page.locator(".action-head .state")).to_have_text("Canceling")


def test_whatever_a_field_holds_is_text(windows: Windows, tenant: Tenant) -> None:
    """In every field that comes from outside, and in its output: nothing runs, nothing is loaded, nothing is hidden."""
    action = tenant.recorder.record(
        action=HOSTILE, method="P'&*`", path=f"/{HOSTILE}", object=f"/{HOSTILE}", parents=[f"/p/{HOSTILE}"],
        user=HOSTILE, user_agent=HOSTILE, location=HOSTILE, body=HOSTILE, state="In progress",
    )  # fmt: skip
    tenant.recorder.act(action, "logs", {"lines": [HOSTILE, HOSTILE * 300, "\u202e" * 20_000, "x" * 65_536]})
    page = shown(windows, tenant.operator, action)
    page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    press(page, "x")
    expect(page.get_by_role("dialog")).to_contain_text("<script>alert(1)</script>")
    page.get_by_role("button", name="Cancel the action").click()
    expect(page.locator(".action-head .state")).to_have_text("Canceling")
    expect(page.locator(".line")).to_have_count(4)
    tenant.recorder.act(action, "finish", {"state": "Canceled", "reason": HOSTILE})
    expect(page.locator(".history")).to_contain_text("Reason: <script>")
    expect(page.locator("h1")).to_contain_text("ESC[2J")
    expect(page.locator("h1")).to_contain_text("U+202Egnp.exe")
    assert page.evaluate("document.querySelectorAll('main script, main img').length") == 0
    assert overflow(page) == 0


@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_everybody_can_read_it(windows: Windows, tenant: Tenant, theme: Theme, width: int) -> None:
    """axe-core finds nothing, in both themes, with colours in its output; and nothing is wider than the window."""
    action = tenant.recorder.record(state="Failed", object="/service/1/", parents=["/stack/1/"], body='{"a": [1]}')
    retry = tenant.operator.act(action, "retry")
    colours = " ".join(
        f"\x1b[{code}m{code}\x1b[0m" for code in [*range(30, 38), *range(40, 48), *range(90, 108), 2, 7, 8]
    )
    tenant.recorder.act(retry, "logs", {"lines": [colours, "<b>\x1b[2J\u202e", "x" * 5000, *["line"] * 100]})
    page = windows.open(
        f"/action/{retry['uuid']}", reader=Reader("otto", tenant.operator.key), theme=theme, width=width
    )  # fmt: skip
    expect(page.locator("#output-link")).to_have_text("Live ·")
    page.locator("#output-times").click()
    page.locator("#jump-to").fill("1")
    page.locator("#jump-to").press("Enter")
    expect(page.locator(".line.chosen")).to_be_visible()
    assert violations(page) == []
    assert overflow(page) == 0
    press(page, "x")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert violations(page) == []
