"""What a million actions could break: the deep end, long files, everything at once, a rebuild that takes its time.

What is of a page whatever the log holds is in the tests of the page, which run on both servers.
"""

import re

import psutil
import pytest
from playwright.sync_api import expect

from tests.browser.listing import found, shown, total
from tests.support.browser import GONE, NARROW, WIDE, Theme, Windows, link, on_million, overflow, press, violations
from tests.support.million import LONG, RETRIED, RUNS, SEARCHES, WAITS
from tests.support.objects import container, service, stack
from tests.support.server import Server
from tests.web.api.callers import Caller

pytestmark = on_million

#: Reads the beginning of a file, and leaves the rest: gives the text, and what the server says of its length.
_BEGINNING = """async (href) => {
    const answer = await fetch(href);
    const reader = answer.body.getReader();
    const { value, done } = await reader.read();
    await reader.cancel();
    return { text: new TextDecoder().decode(value), done, length: answer.headers.get("content-length") };
}"""


def listed(server: Server, **query: str) -> list[str]:
    """Return the ids that the API lists."""
    with server.client() as client:
        return [action["uuid"] for action in client.get("/acme/action/", params=query).json()["objects"]]


def test_the_list_counts_them_all_and_draws_them(windows: Windows, server: Server) -> None:
    """Without a filter: the number of all, a timeline over three months whose states add up to it, and saved views."""
    page = windows.open("/?namespace=acme")
    with server.client() as client:
        everything = client.get("/acme/action/", params={"limit": "1"}).json()["meta"]["total_count"]
    assert everything > 1_000_000
    expect(page.locator("#head .total .number")).to_have_text(f"{everything:,}")
    expect(page.locator("#plot")).to_be_visible()
    numbers = page.locator(".legend .number").all_inner_texts()
    assert sum(int(number.replace(",", "")) for number in numbers) == everything
    assert page.locator("#plot .bar").count() > 60
    page.locator("summary", has_text="Saved").click()
    for name in SEARCHES:
        expect(page.get_by_role("link", name=name)).to_be_visible()


def test_the_deep_end_is_reached_by_key(windows: Windows, server: Server) -> None:
    """A page near the end is asked for by its place; `o` goes on to the very first action, `p` comes back."""
    with server.client() as client:
        near = {"order_by": "-start_date", "limit": "50", "offset": "1000000"}
        meta = client.get("/acme/action/", params=near).json()["meta"]
    oldest = listed(server, order_by="start_date", limit="500")
    page = windows.open(link("/", namespace="acme", cursor=meta["next_cursor"]))
    pages = [shown(page)]
    while page.get_by_role("link", name="Older").count():
        press(page, "o")
        expect(page.locator(f"#action-{pages[-1][-1]}")).to_have_count(0)
        pages.append(shown(page))
    seen = [action for one in pages for action in one]
    assert seen == oldest[: len(seen)][::-1]
    assert seen[-1] == oldest[0]
    press(page, "p")
    expect(page.locator(f"#action-{pages[-2][0]}")).to_be_visible()
    assert shown(page) == pages[-2]
    page.get_by_role("link", name="First page").click()
    expect(page.get_by_role("link", name="Newer")).to_have_count(0)
    assert shown(page) == listed(server, order_by="-start_date", limit="50")


@pytest.mark.parametrize(("name", "first"), [("CSV", "resource_uri,uuid,object"), ("NDJSON", '{"resource_uri":')])
def test_the_first_rows_of_a_long_file_do_not_wait_for_the_last(
    windows: Windows, server: Server, name: str, first: str
) -> None:
    """Of all actions as a file the first rows are there while the server has made few more: it holds no whole file."""
    page = windows.open("/?namespace=acme")
    before = psutil.Process(server.process.pid).memory_info().rss
    href = page.get_by_role("link", name=name, exact=True).get_attribute("href")
    beginning = page.evaluate(_BEGINNING, href)
    grown = psutil.Process(server.process.pid).memory_info().rss - before
    assert beginning["text"].startswith(first)
    assert beginning["length"] is None
    assert not beginning["done"]
    # The whole is several hundred times as much.
    assert grown < 50 * 1024 * 1024


def test_the_number_of_what_filters_of_kinds_find_is_exact_at_once(windows: Windows, server: Server) -> None:
    """Operation, method, state and who is behind it are counted together, however many actions they find."""
    filters = {"method": "POST", "is_user_action": "true", "state": "Success"}
    plain = windows.open(link("/", namespace="acme", **filters), has_scripts=False)
    expect(plain.locator("#total")).to_have_text(f"{total(server, **filters):,} found")


@pytest.mark.parametrize(
    "filters",
    [
        {"user": "lena", "method": "POST", "is_user_action": "true"},
        {"user": "lena", "state": "Success"},
        {"q": "container", "state": "Failed", "end_date__gte": "2026-05-01"},
    ],
)
def test_the_number_of_what_several_filters_find_comes_with_its_timeline(
    windows: Windows, server: Server, filters: dict[str, str]
) -> None:
    """The list knows a bound at once; its timeline brings about how many, or exactly; counted all, it is exact."""
    query = link("/", namespace="acme", **filters)
    plain = windows.open(query, has_scripts=False)
    expect(plain.locator("#total")).to_have_text(re.compile(r"^[\d,]+\+ found$"))
    page, number = windows.open(query), total(server, **filters)
    expect(page.locator("#plot[tabindex]")).to_be_visible()
    told = page.locator("#total .number").inner_text()
    if told != f"{number:,}":
        assert told.startswith("about ")
        assert abs(int(re.sub(r"\D", "", told)) - number) < number / 10
        page.get_by_role("link", name="Count all").click()
    expect(page.locator("#total")).to_have_text(f"{number:,} found")
    plain.get_by_role("link", name="The timeline of these actions").click()
    expect(plain.locator(".total .number")).to_have_text(told)
    plain.goto(link("/", namespace="acme", **filters, cursor=_near_the_end(server, filters)))
    expect(plain.locator("#total")).to_have_text(re.compile(r"^[1-9][\d,]*\+ found$"))


def _near_the_end(server: Server, filters: dict[str, str]) -> str:
    with server.client() as client:
        asked = {**filters, "order_by": "-start_date", "limit": "500"}
        return str(client.get("/acme/action/", params=asked).json()["meta"]["next_cursor"])


def test_words_that_are_nearly_everywhere_are_found(windows: Windows) -> None:
    """A word of more than half of all actions: the page says about how many, shows the newest, and lists only such."""
    page = windows.open("/?namespace=acme")
    press(page, "/")
    page.keyboard.type("container")
    expect(page.locator(".chip")).to_contain_text("container")
    expect(page.locator("#total .number")).to_have_text(re.compile(r"^about [56]\d0,000$"))
    expect(page.locator(".actions tbody tr")).to_have_count(50)
    for row in page.locator(".actions tbody tr").all_inner_texts():
        assert "container" in row.lower()


def test_an_estimated_timeline_is_counted_on_request(windows: Windows, server: Server) -> None:
    """Of a word that is in a third of all actions it says from how much it is estimated; then each one is counted."""
    page = windows.open("/?namespace=acme&q=container")
    expect(page.locator("#timeline")).to_contain_text(re.compile(r"Estimated from [\d.]+ % of the log"))
    page.get_by_role("link", name="Count all").click()
    expect(page.locator("#timeline")).not_to_contain_text("Estimated")
    expect(page.locator("#plot[tabindex]")).to_be_visible()
    with server.client() as client:
        exact = client.get("/acme/action/timeline/", params={"q": "container", "exact": "true"}).json()["total_count"]
    counted = sum(int(number.replace(",", "")) for number in page.locator(".legend .number").all_inner_texts())
    assert counted == exact > 300_000
    expect(page.locator(".actions tbody tr")).to_have_count(50)
    expect(page).to_have_url(re.compile("q=container$"))


def test_whoever_comes_by_keyboard_alone_gets_from_the_list_to_an_action_and_back(windows: Windows) -> None:
    """`/` searches, `j` chooses, Enter opens; `g` `u` leads to the users, and Enter there to all that one did."""
    page = windows.open("/?namespace=acme")
    press(page, "/")
    page.keyboard.type("registry emre.shop")
    expect(page.locator(".chip")).to_contain_text("registry emre.shop")
    press(page, "Escape", "j")
    expect(page.locator("tr.chosen a").first).to_be_focused()
    press(page, "j", "k", "Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Registry Create")
    press(page, "g", "u")
    expect(page.get_by_role("heading", level=1)).to_have_text("Users")
    press(page, "j", "Enter")
    expect(page.locator(".chip")).to_contain_text("User")
    press(page, "?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()


def test_an_action_has_its_history_attempts_body_and_output(windows: Windows) -> None:
    """One that failed, was retried, failed again and runs now: each attempt is a row, and its steps are told."""
    page = windows.open(f"/action/{RETRIED}")
    expect(page.locator(".attempts tbody tr")).to_have_count(3)
    expect(page.locator(".attempts tbody tr").last).to_contain_text("In progress")
    page.locator(".attempts tbody tr").nth(1).get_by_role("link").first.click()
    expect(page.locator(".history")).to_contain_text("503 from /ready")
    page.goto(f"/action/{LONG}")
    expect(page.locator("#output-count")).to_have_text("100,000 lines")


def test_an_object_has_its_tree_and_its_lane(windows: Windows) -> None:
    """A stack with ten services and forty containers; and a service with one action that runs, and one that waits."""
    page = windows.open(link("/object", object=stack(3), namespace="acme", include_related="true"))
    tree = page.get_by_role("region", name="Related objects")
    expect(tree.get_by_role("link")).to_have_count(50)
    expect(tree.get_by_title(service(39), exact=True)).to_be_visible()
    tree.get_by_title(container(120), exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("container")
    expect(page.get_by_role("region", name="Related objects")).to_contain_text("stack/00000003")
    page.goto(link("/object", object=service(2), namespace="acme"))
    lane = page.get_by_role("region", name="Lane")
    for name, action in (("Running", RUNS), ("Waiting", WAITS)):
        expect(lane.get_by_role("list", name=name).locator(f'a[href*="{action}"]')).to_have_count(1)


def test_everybody_who_ever_did_something_is_listed(windows: Windows) -> None:
    """Users by pages, with the number of their actions, which their list has too."""
    page = windows.open("/users?namespace=acme")
    numbers = [row.locator(".number").first.inner_text() for row in page.locator(".users tbody tr").all()]
    busy, number = next((at, told) for at, told in enumerate(numbers) if int(told.replace(",", "")) > 10_000)
    row = page.locator(".users tbody tr").nth(busy)
    row.get_by_role("link").first.click()
    expect(page.locator("#head .total .number")).to_have_text(number)


@pytest.mark.timeout(func_only=True)
def test_a_rebuild_is_watched_and_fails_nobody(windows: Windows) -> None:
    """Begun on the page, it shows how far it is; meanwhile lists answer; in the end the page says that it is done."""
    page = windows.open("/system")
    other = windows.open("/?namespace=acme")
    page.get_by_role("button", name="Rebuild the views…").click()
    page.get_by_role("button", name="Rebuild", exact=True).click()
    bar = page.get_by_role("progressbar", name="Events that are in the new views")
    expect(bar).to_be_visible()
    done = bar.evaluate("(one) => one.value")
    while bar.count() and bar.evaluate("(one) => one.value") == done:
        other.reload()
        expect(other.locator(".actions tbody tr")).to_have_count(50)
    expect(page.locator("#live-rebuild")).to_contain_text("No rebuild runs.", timeout=500_000)
    expect(page.locator("#live-rebuild")).to_contain_text(re.compile(r"Last build\s*done"))
    other.reload()
    expect(other.locator("#head .total .number")).to_have_text(re.compile(r"1,0\d\d,\d\d\d"))


@pytest.mark.timeout(func_only=True)
def test_every_open_page_goes_on_when_the_server_comes_back(windows: Windows, server: Server) -> None:
    """Killed under an open list, action, object and health, each says so; then nothing is missing or double."""
    windows.expect(f"{GONE}|htmx:(sendError|afterRequest)")
    with server.client() as http:
        worker = Caller(http, "me", server.key)
        action = worker.record(state="In progress", object="/restarted/", action="Before")
        worker.act(action, "logs", {"lines": [f"line {number}" for number in range(1, 51)]})
    pages = {
        "list": windows.open("/?namespace=acme"),
        "action": windows.open(f"/action/{action['uuid']}"),
        "object": windows.open(link("/object", object="/restarted/")),
        "health": windows.open("/system"),
    }
    expect(pages["list"].locator("#plot[tabindex]")).to_be_visible()
    expect(pages["list"].locator(f"#action-{action['uuid']}")).to_be_visible()
    expect(pages["action"].locator("#output-link")).to_have_text("Live ·")
    server.kill()
    for page in pages.values():
        expect(page.locator("#link-state")).to_have_text(re.compile("Not live|Not connected"))
    pages["list"].locator("label.toggle", has_text="Failed").click()
    expect(pages["list"].locator("#told")).to_contain_text("The server can't be reached")
    pages["list"].locator("label.toggle", has_text="Failed").click()
    server.start()
    with server.client() as http:
        worker = Caller(http, "me", server.key)
        worker.act(action, "logs", {"lines": [f"line {number}" for number in range(51, 91)]})
        worker.record(object="/restarted/", action="After")
        worker.act(action, "finish", {"state": "Failed"})
    expect(pages["list"].locator("#news")).to_have_text("1 new")
    expect(pages["list"].locator(f"#action-{action['uuid']} .state")).to_have_text("Failed")
    expect(pages["action"].locator("#output-count")).to_have_text("90 lines")
    expect(pages["action"].locator(".action-head .state")).to_have_text("Failed")
    expect(pages["action"].locator(".line")).to_have_count(90)
    numbers = pages["action"].locator(".line .no").all_inner_texts()
    assert numbers == [str(number) for number in range(1, 91)]
    expect(pages["object"].locator("#news")).to_contain_text("1 new")
    expect(pages["object"].get_by_role("region", name="Lane")).to_contain_text("Nothing runs on it")
    with server.client() as http:
        head = http.get(f"{server.address}/health").json()["log"]["position"]
    expect(pages["health"].locator(".tile strong").first).to_have_text(f"{head:,}")
    for page in pages.values():
        expect(page.locator("#link-state")).to_be_hidden()
    pages["list"].locator("label.toggle", has_text="Failed").click()
    found(pages["list"], total(server, state="Failed"))


def test_without_scripts_everything_is_there(windows: Windows) -> None:
    """List, filters, timeline, pages, an action with the end of its output, an object, users: plain pages and links."""
    page = windows.open("/?namespace=acme&state=Failed", has_scripts=False)
    expect(page.locator(".actions tbody tr")).to_have_count(50)
    page.get_by_role("link", name="Older").click()
    expect(page.get_by_role("link", name="Newer")).to_be_visible()
    page.locator(".operation a").first.click()
    expect(page.locator(".action-head .state")).to_have_text("Failed")
    page.goto(f"/action/{LONG}")
    expect(page.locator("main")).to_contain_text("line 100000")
    page.goto(link("/object", object=stack(0)))
    expect(page.get_by_role("region", name="Related objects").get_by_role("link")).to_have_count(50)
    page.goto("/timeline?namespace=acme")
    expect(page.locator(".legend li").first).to_be_visible()


#: Pages that look different where there is much.
_FULL = {
    "list": "/?namespace=acme",
    "words": "/?namespace=acme&q=container+redeploy&is_user_action=true",
    "past": "/?namespace=acme&as_of=500000",
    "long output": f"/action/{LONG}",
    "attempts": f"/action/{RETRIED}",
    "stack": link("/object", object=stack(0), include_related="true"),
    "lane": link("/object", object=service(2)),
    "users": "/users",
    "health": "/system",
    "keys": "/keys?revoked=true",
    "api": "/api",
}


def test_full_pages_are_accessible_and_fit(windows: Windows, theme: Theme) -> None:
    """On a phone and on a wide window: axe-core finds nothing, and nothing has to be pushed sideways."""
    page = windows.open("/system", theme=theme)
    for name, path in _FULL.items():
        page.set_viewport_size({"width": WIDE, "height": 900})
        page.goto(path)
        if name in ("list", "words", "past"):
            expect(page.locator("#plot")).to_be_visible()
        assert (name, violations(page)) == (name, [])
        page.set_viewport_size({"width": NARROW, "height": 900})
        assert (name, overflow(page)) == (name, 0)
