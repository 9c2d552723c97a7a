"""The reference of the API, as a developer reads it."""

from playwright.sync_api import expect

from tests.support.browser import Windows, on_both, press


@on_both
def test_get_is_tried_with_the_session(windows: Windows) -> None:
    """What is filled in is asked, as whoever is signed in; status, headers and body are shown, bad questions too."""
    windows.expect("status of 400")
    page = windows.open("/api#listActions")
    one = page.locator("#listActions")
    one.get_by_text("Try it").click()
    one.get_by_label("state", exact=True).select_option("Failed")
    one.get_by_label("limit", exact=True).fill("1")
    one.get_by_role("button", name="GET").click()
    expect(one.get_by_role("status")).to_contain_text("GET /api/audit/v1/action/?state=Failed&limit=1: 200 OK")
    expect(one.get_by_label("Body of the answer")).to_contain_text('"state": "Failed"')
    expect(one.get_by_label("Headers of the answer")).to_contain_text("deedbook-position: ")
    one.get_by_label("limit", exact=True).fill("none")
    one.get_by_role("button", name="GET").click()
    expect(one.get_by_role("status")).to_contain_text("400 Bad Request")
    expect(one.get_by_label("Body of the answer")).to_contain_text("limit is a whole number")


def test_parameter_in_the_path_is_put_there(windows: Windows) -> None:
    """The newest action is filled in; another one, whatever is typed, goes into the path as one part of it."""
    windows.expect("status of 404")
    page = windows.open("/api#getAction")
    one = page.locator("#getAction")
    one.get_by_text("Try it").click()
    one.get_by_role("button", name="GET").click()
    expect(one.get_by_role("status")).to_contain_text("200 OK")
    one.get_by_label("uuid").fill("../key/?a=<b>")
    one.get_by_role("button", name="GET").click()
    expect(one.get_by_role("status")).to_contain_text("/action/..%2Fkey%2F%3Fa%3D%3Cb%3E/: 404")


def test_operations_are_found_by_words(windows: Windows) -> None:
    """`/` goes to the field; what does not fit is hidden, on the page and in the contents, and the number is told."""
    page = windows.open("/api")
    press(page, "/")
    page.keyboard.type("post output")
    expect(page.locator("#found")).to_have_text("1 found")
    expect(page.locator("#appendOutput")).to_be_visible()
    expect(page.locator("#listActions")).to_be_hidden()
    expect(page.get_by_role("navigation", name="Operations").get_by_role("listitem")).to_have_count(1)


def test_page_is_read_without_scripts(windows: Windows) -> None:
    """Every operation and schema is on the page; what only a script can do is not offered."""
    page = windows.open("/api", has_scripts=False)
    expect(page.locator("#listActions")).to_be_visible()
    expect(page.locator("#schema-ActionResource")).to_be_visible()
    expect(page.locator(".attempt").first).to_be_hidden()
    expect(page.locator("#find")).to_be_hidden()
