"""The list's filters: in the address, in fields and typed, with and without scripts, and kept under a name."""

import re

from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.listing import asked, found, record, searches, total
from tests.support.browser import NARROW, Reader, Theme, Windows, on_both, overflow, press, violations
from tests.support.server import Server, issue_key


@on_both
def test_filters_are_in_the_address_and_each_is_a_chip_that_goes(windows: Windows, server: Server) -> None:
    """Whatever is filtered is in the address, a chip, and what the API finds; removed, it is gone from all three."""
    page = windows.open("/?namespace=acme")
    page.locator("label.toggle", has_text="Failed").click()
    found(page, total(server, state="Failed"))
    page.locator("label.toggle", has_text="Canceled").click()
    found(page, total(server, state=["Failed", "Canceled"]))
    page.get_by_text("More filters").click()
    page.get_by_role("combobox", name="User", exact=True).fill("lena")
    press(page, "Enter")
    found(page, total(server, state=["Failed", "Canceled"], user="lena"))
    assert asked(page) == {"state": ["Canceled", "Failed"], "user": ["lena"]}
    expect(page.locator(".chip")).to_have_count(3)
    expect(page.get_by_role("combobox", name="User", exact=True)).to_be_focused()
    expect(page.get_by_role("combobox", name="User", exact=True)).to_have_value("")

    page.get_by_title("Remove this filter").nth(0).click()
    expect(page.locator(".chip")).to_have_count(2)
    assert asked(page) == {"state": ["Failed"], "user": ["lena"]} or asked(page) == {
        "state": ["Canceled"],
        "user": ["lena"],
    }
    expect(page.locator(".toggle :checked")).to_have_count(1)
    page.get_by_text("Remove all", exact=True).click()
    found(page, total(server))
    expect(page).to_have_url(re.compile("/\\?namespace=acme$"))
    page.go_back()
    expect(page.locator(".chip")).to_have_count(2)


@on_both
def test_typing_searches_and_enter_keeps_it(windows: Windows, server: Server) -> None:
    """What is typed is searched while it is typed, the reader stays in the field, and the address has it."""
    page = windows.open("/?namespace=acme")
    press(page, "/")
    page.keyboard.type("redeploy jonas")
    found(page, total(server, q="redeploy jonas"))
    expect(page.get_by_label("Search the actions")).to_be_focused()
    expect(page.get_by_label("Search the actions")).to_have_value("redeploy jonas")
    expect(page).to_have_url(re.compile(r"q=redeploy(%20|\+)jonas"))
    assert asked(page) == {"q": ["redeploy jonas"]}
    page.reload()
    found(page, total(server, q="redeploy jonas"))


@on_both
def test_a_filter_is_typed_by_its_name(windows: Windows, server: Server) -> None:
    """While it is typed already it is a chip, with Enter it leaves the field; the rest is free text."""
    page = windows.open("/?namespace=acme")
    press(page, "/")
    page.keyboard.type("redeploy user:lena state:fai")
    found(page, total(server, q="redeploy", user="lena", state="Failed"))
    expect(page.locator(".chip")).to_have_count(3)
    expect(page.get_by_label("Search the actions")).to_have_value("redeploy user:lena state:fai")
    page.keyboard.type("led")
    press(page, "Enter")
    expect(page.get_by_label("Search the actions")).to_have_value("redeploy")
    expect(page.get_by_label("Failed")).to_be_checked()
    page.get_by_title("Remove this filter").first.click()
    expect(page.locator(".chip")).to_have_count(2)
    found(page, total(server, user="lena", state="Failed"))
    assert asked(page) == {"user": ["lena"], "state": ["Failed"]}


def completed(page: Page) -> tuple[Locator, Locator]:
    """Return the field that filters are typed into, and the list of what they could become."""
    return page.get_by_label("Search the actions"), page.get_by_role("listbox", name="Filters to choose from")


@on_both
def test_a_typed_filter_is_completed_by_keyboard(windows: Windows, server: Server) -> None:
    """Names and then values are offered below the field; arrows choose, Enter takes, and what is taken is searched."""
    page = windows.open("/?namespace=acme")
    field, offered = completed(page)
    press(page, "/")
    page.keyboard.type("redeploy us")
    expect(offered.get_by_role("option")).to_have_text(["user:"])
    press(page, "ArrowDown", "Enter")
    expect(field).to_have_value("redeploy user:")
    expect(offered.get_by_role("option").nth(3)).to_be_visible()
    # At once: an answer to a part of it would end the list while it is chosen from.
    page.keyboard.insert_text("LEN")
    expect(offered.get_by_role("option").first).to_have_text("user:lena")
    press(page, "ArrowUp", "ArrowDown")
    expect(offered.get_by_role("option", selected=True)).to_have_text("user:lena")
    expect(field).to_have_attribute("aria-activedescendant", "completion-1")
    press(page, "Enter")
    expect(field).to_have_value("redeploy user:lena ")
    expect(field).to_be_focused()
    expect(offered).to_be_hidden()
    found(page, total(server, q="redeploy", user="lena"))
    page.keyboard.insert_text("state:fai")
    expect(offered.get_by_role("option")).to_have_text(["state:Failed"])
    press(page, "Escape")
    expect(offered).to_be_hidden()
    expect(field).to_have_value("redeploy user:lena state:fai")
    expect(field).to_be_focused()
    press(page, "Enter")
    expect(page.locator(".chip")).to_have_count(3)
    expect(field).to_have_value("redeploy")


@on_both
def test_an_answer_that_comes_too_late_takes_no_later_question_with_it(windows: Windows) -> None:
    """One who pauses and types on is offered what fits all that was typed, whenever the first answer came."""
    page = windows.open("/?namespace=acme")
    _, offered = completed(page)

    def type_on(route: Route) -> None:
        page.keyboard.insert_text("dep")
        route.continue_()

    page.route("**/actions/completions**", type_on, times=1)
    press(page, "/")
    page.keyboard.insert_text("operation:re")
    expect(offered.get_by_role("option", name="Service Redeploy")).to_be_visible()
    expect(offered.get_by_role("option", name="Registry Create")).to_have_count(0)


def leave_unanswered(_: Route) -> None:
    """Answer nothing, as a server that is slow."""


@on_both
def test_the_list_stands_still_for_who_chooses_from_it(windows: Windows, server: Server) -> None:
    """What was asked for before the first arrow is given up: it would take the list from under the reader's keys."""
    page = windows.open("/?namespace=acme")
    field, offered = completed(page)
    press(page, "/")
    page.keyboard.type("redeploy user:")
    expect(offered.get_by_role("option").nth(3)).to_be_visible()
    first = offered.get_by_role("option").first.inner_text().strip()
    page.route("**/actions/completions**", leave_unanswered)
    with page.expect_request("**/actions/completions**") as late:
        page.keyboard.insert_text("LEN")
    with page.expect_event("requestfailed", lambda request: request == late.value):
        press(page, "ArrowDown")
    expect(offered.get_by_role("option", selected=True)).to_have_text(first)
    press(page, "Enter")
    expect(field).to_have_value(f"redeploy {first} ")
    found(page, total(server, q="redeploy", user=first.removeprefix("user:")))


@on_both
def test_a_typed_filter_is_completed_by_pointer(windows: Windows, server: Server, theme: Theme) -> None:
    """One is pressed, and the field keeps the focus; on a phone, in either theme, axe-core finds nothing."""
    page = windows.open("/?namespace=acme", theme=theme, width=NARROW)
    field, offered = completed(page)
    field.click()
    page.keyboard.type("operation:redep")
    option = offered.get_by_role("option", name="Service Redeploy")
    expect(option).to_be_visible()
    press(page, "ArrowDown")
    assert violations(page) == []
    assert overflow(page) == 0
    option.click()
    expect(field).to_have_value('operation:"Service Redeploy" ')
    expect(field).to_be_focused()
    expect(page.locator(".chip")).to_have_count(1)
    found(page, total(server, action="Service Redeploy"))


@on_both
def test_values_are_offered_while_a_filter_is_typed(windows: Windows) -> None:
    """A filter offers what there is, narrowed by what is typed, in whatever case."""
    page = windows.open("/?namespace=acme")
    page.get_by_text("More filters").click()
    page.get_by_label("Operation", exact=True).focus()
    expect(page.locator("#v-action option").first).to_have_attribute("value", re.compile(".+"))
    page.keyboard.type("CLUSTER")
    expect(page.locator("#v-action option").nth(6)).not_to_be_attached()
    for option in page.locator("#v-action option").all():
        assert "cluster" in (option.get_attribute("value") or "").lower()


@on_both
def test_dates_are_typed_in_the_readers_zone_and_asked_in_utc(windows: Windows, server: Server) -> None:
    """A date in a field is of the reader's zone: the address has it in UTC, and so has what is found."""
    page = windows.open("/?namespace=acme", zone="Asia/Kolkata")
    page.get_by_text("More filters").click()
    page.get_by_label("Started from").fill("2026-07-14T17:00:00")
    page.get_by_label("Started until").fill("2026-07-14T21:30:00")
    press(page, "Enter")
    expect(page.locator(".chip")).to_have_count(2)
    dates = {"start_date__gte": "2026-07-14T11:30:00Z", "start_date__lte": "2026-07-14T16:00:00Z"}
    assert {name: [date] for name, date in dates.items()} == asked(page)
    found(page, total(server, **dates))
    expect(page.get_by_label("Started from")).to_have_value("2026-07-14T17:00")


@on_both
def test_without_scripts_all_filters_work(windows: Windows, server: Server) -> None:
    """A form does what the script does: filters, moments, pages and the timeline are plain links and fields."""
    page = windows.open("/?namespace=acme", has_scripts=False)
    page.locator("label.toggle", has_text="Success").click()
    page.get_by_text("More filters").click()
    page.get_by_role("combobox", name="User", exact=True).fill("jonas")
    page.get_by_label("Started from").fill("2026-07-14T09:00:00")
    page.get_by_role("button", name="Search").click()
    query = {"state": "Success", "user": "jonas", "start_date__gte": "2026-07-14T09:00:00Z"}
    found(page, total(server, **query))
    expect(page.locator(".chip")).to_have_count(3)
    page.get_by_role("link", name="The timeline of these actions").click()
    expect(page.locator(".legend .number")).to_have_text(str(total(server, **query)))
    page.get_by_text("As a table").click()
    page.locator(".as-table tbody a").first.click()
    expect(page.locator(".chip")).to_have_count(4)
    expect(page.locator(".actions tbody tr")).not_to_have_count(0)
    page.get_by_title("Remove this filter").first.click()
    expect(page.locator(".chip")).to_have_count(3)


@on_both
def test_an_id_that_is_searched_leads_to_its_action(windows: Windows, server: Server) -> None:
    """Free text does not look at ids; who pastes one is shown the way."""
    action = record(server)
    page = windows.open(f"/?namespace=acme&q={action}")
    expect(page.get_by_role("link", name="Open action")).to_have_attribute("href", f"/action/{action}?namespace=acme")


def test_filters_that_make_no_sense_are_told(windows: Windows) -> None:
    """A wrong address is one sentence that says what to do, and no more."""
    windows.expect("400")
    page = windows.open("/?state=Gone")
    expect(page.locator("main")).to_contain_text("state 'Gone' is unknown; an action is Pending")


@on_both
def test_a_search_is_saved_for_the_namespace_and_deleted(windows: Windows, server: Server) -> None:
    """What is filtered is kept under a name, found by a colleague and by the API, replaced by its name, and deleted."""
    page = windows.open("/?namespace=acme&state=Failed&user=lena")
    page.locator("summary", has_text="Saved").click()
    page.get_by_label("Save this search").fill("Lena's failures")
    press(page, "Enter")
    expect(page.locator("#head .tag")).to_have_text("Lena's failures")
    assert ("Lena's failures", "state=Failed&user=lena", "me") in searches(server)

    colleague = Reader("ann", issue_key(server.url, "ann", role="auditor"))
    other = windows.open("/", reader=colleague)
    other.locator("summary", has_text="Saved").click()
    other.get_by_role("link", name="Lena's failures").click()
    found(other, total(server, state="Failed", user="lena"))
    expect(other.locator(".chip")).to_have_count(2)
    other.get_by_title("Remove this filter").nth(1).click()
    expect(other.locator(".chip")).to_have_count(1)
    other.locator("summary", has_text="Saved").click()
    other.get_by_label("Save this search").fill("Lena's failures")
    other.get_by_role("button", name="Save", exact=True).click()
    expect(other.locator("#head .tag")).to_have_text("Lena's failures")

    page.reload()
    expect(page.locator("#head .tag")).to_have_count(0)
    page.locator("summary", has_text="Saved").click()
    page.get_by_role("button", name="Delete Lena's failures").click()
    expect(page.get_by_role("button", name="Delete Lena's failures")).to_have_count(0)
    assert "Lena's failures" not in [name for name, _, _ in searches(server)]
    assert asked(page) == {"state": ["Failed"], "user": ["lena"]}
