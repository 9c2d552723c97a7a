"""The list of actions: over time, page by page, told live, as of a moment, and as a file."""

import csv
import json
import re
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.browser.listing import asked, finish, found, record, shown, total
from tests.support.browser import GONE, NARROW, Theme, Windows, on_both, overflow, press, violations
from tests.support.server import Server, serving
from tests.web.api.callers import Caller
from tests.web.api.test_behind import add_unreadable


@on_both
def test_a_range_is_drawn_over_the_timeline(windows: Windows, server: Server) -> None:
    """What is drawn over the bars is what is shown, the bars of the range add up to it, and zooming out leads back."""
    page = windows.open(
        "/?namespace=acme&state=Success&start_date__gte=2026-07-14T00:00:00Z&start_date__lte=2026-07-14T23:59:59Z"
    )
    box = page.locator("#plot[tabindex] svg").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 50)
    expect(page.locator("#readout")).to_contain_text("Jul 2026")
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 50, steps=4)
    page.mouse.up()
    expect(page.locator(".chip time").first).not_to_have_attribute("datetime", "2026-07-14T00:00:00Z")
    query = {name: values[0] for name, values in asked(page).items()}
    assert query["start_date__gte"] > "2026-07-14T09"
    assert query["start_date__lte"] < "2026-07-14T15"
    number = total(server, **query)
    assert 0 < number < total(server, state="Success")
    found(page, number)
    expect(page.locator(".legend .number")).to_have_text(str(number))
    page.get_by_role("link", name="Zoom out").click()
    expect(page.locator(".legend .number")).not_to_have_text(str(number))
    page.get_by_role("link", name="All time").click()
    found(page, total(server, state="Success"))


@on_both
def test_the_timeline_is_used_by_keys(windows: Windows, server: Server) -> None:
    """Arrows go from bar to bar and are told, Shift extends, Enter zooms in: as many as the bars say."""
    page = windows.open("/?namespace=acme&start_date__gte=2026-07-14T08:00:00Z&start_date__lte=2026-07-14T09:59:59Z")
    plot = page.get_by_role("group", name="Timeline")
    plot.focus()
    press(page, "Home")
    for _ in range(79):
        press(page, "Shift+ArrowRight")
    told = page.locator("#readout").inner_text()
    number = int(re.search(r": (\d+) in all$", told).group(1))  # type: ignore[union-attr]
    press(page, "Enter")
    found(page, number)
    query = {name: values[0] for name, values in asked(page).items()}
    assert total(server, **query) == number


@on_both
def test_what_is_new_is_announced_and_nothing_moves(windows: Windows, server: Server) -> None:
    """New actions are counted by the same filters, also one that only becomes such; the list moves when asked to."""
    running = record(server, state="In progress", object="/live/1/")
    page = windows.open("/?namespace=acme&state=Success&object=/live/1/")
    expect(page.get_by_text("No action is like that.")).to_be_visible()
    record(server, object="/live/1/")
    record(server, object="/live/2/")
    record(server, object="/live/1/", state="Failed")
    expect(page.locator("#news")).to_have_text("1 new")
    finish(server, running)
    expect(page.locator("#news")).to_have_text("2 new")
    expect(page).to_have_title(re.compile(r"^\(2\) Actions"))
    expect(page.locator("tbody tr")).to_have_count(0)
    press(page, ".")
    found(page, 2)
    expect(page.locator("#news")).to_have_text("")
    expect(page.locator(".actions tbody tr")).to_have_count(2)


@on_both
def test_a_row_that_runs_updates_in_place(windows: Windows, server: Server) -> None:
    """What ends elsewhere changes its row, which stays where it is, chosen and focused; its duration ticks before."""
    running = record(server, state="In progress", object="/live/3/")
    page = windows.open("/?namespace=acme&object=/live/3/")
    row = page.locator(f"#action-{running}")
    expect(row.locator(".state")).to_have_text("In progress")
    expect(row.locator(".took")).to_have_text(re.compile(r"^\d+ s$"))
    press(page, "j")
    expect(row.get_by_role("link", name="Deploy")).to_be_focused()
    finish(server, running, "Failed")
    expect(row.locator(".state")).to_have_text("Failed")
    expect(row.get_by_role("link", name="Deploy")).to_be_focused()
    expect(row).to_have_class(re.compile("chosen"))
    expect(page.locator("#news")).to_have_text("")


@on_both
def test_a_lost_connection_is_told_and_nothing_is_missed(windows: Windows, server: Server) -> None:
    """While the server is away the page says so; when it is back, what was recorded meanwhile is announced."""
    windows.expect(GONE)
    page = windows.open("/?namespace=acme&object=/live/4/")
    expect(
        page.get_by_text("Nothing", exact=False).first.or_(page.get_by_text("No action is like that."))
    ).to_be_visible()
    server.stop()
    expect(page.locator("#link-state")).to_contain_text("Not live")
    server.start()
    record(server, object="/live/4/")
    expect(page.locator("#news")).to_have_text("1 new", timeout=30_000)
    expect(page.locator("#link-state")).to_be_hidden()


@on_both
def test_pages_go_by_key_while_actions_arrive(windows: Windows, server: Server) -> None:
    """Nothing is shown twice or left out from one page to the next, whatever is recorded meanwhile; and so back."""
    with server.client() as http:
        steps = ({"object": "/many/", "action": f"Step {number}"} for number in range(120))
        ids = [action["uuid"] for action in Caller(http, "me", server.key, "/acme").batch(*steps)]
    page = windows.open("/?namespace=acme&object=/many/")
    assert shown(page) == ids[:-51:-1]
    record(server, object="/many/")
    press(page, "o")
    expect(page.locator(".actions tbody tr").first).to_contain_text("Step 69")
    assert shown(page) == ids[69:19:-1]
    page.get_by_role("link", name="Older").click()
    expect(page.locator(".actions tbody tr")).to_have_count(20)
    assert shown(page) == ids[19::-1]
    expect(page.get_by_role("link", name="Older")).to_have_count(0)
    press(page, "p")
    expect(page.locator(".actions tbody tr").first).to_contain_text("Step 69")
    assert shown(page) == ids[69:19:-1]
    page.get_by_role("link", name="Started").click()
    expect(page.locator(".actions tbody tr").first).to_contain_text("Step 0")
    assert shown(page) == ids[:50]


@on_both
def test_a_moment_of_the_past_is_shown_whole(windows: Windows, server: Server) -> None:
    """As of a moment, the list, its total and the timeline are those of then; one event later they are as after it."""
    action = record(server, state="In progress", object="/past/")
    with server.client() as client:
        position = int(client.get("/acme/action/").headers["deedbook-position"])
    finish(server, action)
    page = windows.open("/?namespace=acme&object=/past/")
    page.get_by_text("As of …").click()
    page.get_by_label("Or a position of the log").fill(str(position))
    press(page, "Enter")
    expect(page.get_by_text("As it was")).to_be_visible()
    row = page.locator(f"#action-{action}")
    expect(row.locator(".state")).to_have_text("In progress")
    expect(page.locator(".legend li")).to_have_text([re.compile("In progress 1")])
    page.get_by_role("link", name="One event later").click()
    expect(row.locator(".state")).to_have_text("Success")
    page.get_by_role("link", name="One event earlier").click()
    expect(row.locator(".state")).to_have_text("In progress")
    page.get_by_role("link", name="One event earlier").click()
    expect(page.get_by_text("No action is like that at that moment.")).to_be_visible()
    press(page, "n")
    expect(row.locator(".state")).to_have_text("Success")
    expect(page.get_by_text("As it was")).to_have_count(0)


@pytest.mark.parametrize("width", [NARROW, 1280, 1920])
def test_the_page_fits_and_axe_finds_nothing(windows: Windows, theme: Theme, width: int) -> None:
    """At each width and in both themes nothing reaches beyond the window, and axe-core finds no fault."""
    path = (
        "/?namespace=acme&state=Failed&state=Success&user=lena&user=jonas&start_date__gte=2026-07-14T00:00:00Z&as_of=70"
    )
    page = windows.open(path, theme=theme, width=width)
    expect(page.locator("#plot[tabindex]")).to_be_visible()
    page.get_by_text("As a table").click()
    assert overflow(page) == 0
    assert violations(page) == []
    page.goto("/?namespace=acme&q=nothing-is-like-that")
    expect(page.get_by_text("No action is like that.")).to_be_visible()
    assert overflow(page) == 0
    assert violations(page) == []


def test_where_nothing_is_recorded_the_page_tells_how_to(windows: Windows, server: Server) -> None:
    """An empty log shows the call that records an action; run, the action is announced."""
    page = windows.open("/?namespace=empty")
    expect(page.get_by_text("Nothing is recorded yet in empty.")).to_be_visible()
    told = page.locator(".empty code").first.inner_text()
    path, body = re.search(r"(/api/\S+?)'? -H", told), re.search(r"-d '(.*)'$", told)
    assert path is not None
    assert body is not None
    with httpx.Client(base_url=server.address, auth=("me", server.key), timeout=30) as client:
        assert client.post(path[1], json=json.loads(body[1])).status_code == 201
    expect(page.locator("#news")).to_have_text("1 new")
    page.locator("#news button").click()
    found(page, 1)


def test_views_that_stopped_are_told_and_what_is_there_is_shown(browser: Browser, tmp_path: Path) -> None:
    """Where the views stop behind the log, the page says by how much, and shows what they have."""
    with serving(tmp_path) as server:
        action = record(server)
        server.stop()
        add_unreadable(tmp_path / "log.db")
        server.start()
        windows = Windows(browser, server)
        page = windows.open("/?namespace=acme")
        expect(page.locator(f"#action-{action}")).to_be_visible()
        expect(page.locator(".notice[data-kind=warning]")).to_contain_text("the views have stopped behind the log")
        expect(page.locator("#link-state")).to_contain_text("Not live: the event at position")
        assert windows.close() == []


def test_what_would_deceive_the_eye_is_written_out(windows: Windows, server: Server) -> None:
    """Marks that turn the direction, and controls, can't make an operation look like another one."""
    record(server, action="\u202eyolped\u202c\x1b[2K", object="/deceiving/")
    page = windows.open("/?namespace=acme&object=/deceiving/")
    expect(page.locator(".operation a")).to_have_text("⟨U+202E⟩yolped⟨U+202C⟩⟨ESC⟩[2K")


@on_both
@pytest.mark.parametrize(("name", "suffix"), [("CSV", ".csv"), ("NDJSON", ".ndjson")])
def test_what_is_filtered_is_a_file(windows: Windows, server: Server, name: str, suffix: str) -> None:
    """Both links give just what the page found, whatever page of it is shown, in the order that is shown."""
    page = windows.open("/?namespace=acme&state=Failed&order_by=start_date&limit=100")
    with page.expect_download() as download:
        page.get_by_role("link", name=name, exact=True).click()
    assert download.value.suggested_filename.endswith(suffix)
    lines = Path(download.value.path()).read_text().splitlines()
    rows = list(csv.DictReader(lines)) if name == "CSV" else [json.loads(line) for line in lines]
    assert len(rows) == total(server, state="Failed")
    assert [row["uuid"] for row in rows[:100]] == shown(page)
