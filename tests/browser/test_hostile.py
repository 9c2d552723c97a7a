"""Whatever clients send, pages show it as text: nothing of it runs, loads, hides or turns around what is ours."""

from collections.abc import Sequence

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import NARROW, WIDE, Reader, Windows, link, on_both, overflow, press, violations
from tests.support.hostile import HOSTILE, record
from tests.support.server import Server
from tests.web.api.callers import Caller, Json

#: Where a text of others stands by itself, so that its marks of direction end with it.
_APART = "bdi, pre, code, textarea, option, title, svg"


@pytest.fixture
def actions(server: Server, recorded: dict[str, dict[str, Json]]) -> dict[str, Json]:
    """An action for each hostile text, which is in all of its fields."""
    if server.url not in recorded:
        with server.client() as http:
            worker = Caller(http, "me", server.key)
            recorded[server.url] = {name: record(worker, text) for name, text in HOSTILE.items()}
    return recorded[server.url]


@pytest.fixture(scope="package")
def recorded() -> dict[str, dict[str, Json]]:
    """By a server's store, the hostile actions that it has already."""
    return {}


def _pages(action: Json, text: str) -> Sequence[str]:
    """Return every page that shows an action, or what somebody typed."""
    typed = text[:4000]
    return (
        "/",
        link("/", q=typed[:400]),
        f"/action/{action['uuid']}",
        f"/action/{action['uuid']}/{'retry' if action['can_be_retried'] else 'cancel'}",
        link("/object", object=action["object"], include_related="true"),
        link("/object", object=action["parents"][0]),
        "/users",
        link("/users", q=typed[:400]),
        link("/keys", q=typed),
        link("/sign-in", next=typed),
        link("/object", object=f"{typed[:2000]}?"),
        link("/system", namespace=typed),
        link("/api", q=typed),
        f"/nowhere/{typed.encode().hex()[:50]}{link('', q=typed)}",
    )


def _check(page: Page) -> None:
    """Whatever is on a page, nothing of it ran, became an element of ours or hid in the text around it."""
    assert page.evaluate("window.pwned") is None
    assert page.locator("[data-hostile]").count() == 0
    loose = page.evaluate(
        """(apart) => {
            const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
            while (walker.nextNode()) {
                const { data, parentElement } = walker.currentNode;
                const turns = /[\\u202a-\\u202e\\u2066-\\u2069\\u200f\\u061c]/.test(data);
                if (turns && !parentElement.closest(apart)) found.push(data);
            }
            return found;
        }""",
        _APART,
    )
    assert loose == []


@on_both
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_shown_as_text(windows: Windows, actions: dict[str, Json], name: str) -> None:
    """On each page nothing of it runs, no element comes of it, its direction ends with it, and nothing is widened."""
    windows.expect("status of (400|403|404)")
    page = windows.open("/system", width=NARROW)
    for path in _pages(actions[name], HOSTILE[name]):
        page.goto(path)
        _check(page)
        assert (path[:60], overflow(page)) == (path[:60], 0)
        assert "Something went wrong" not in page.locator("main").inner_text()


@on_both
@pytest.mark.parametrize("width", [NARROW, WIDE, 1920])
def test_a_list_of_hostile_rows_keeps_its_shape(
    windows: Windows, server: Server, actions: dict[str, Json], width: int
) -> None:
    """Among others each row is as high as any, what it has stays in its cell, and saved searches are text as well."""
    with server.client() as http:
        for name, text in HOSTILE.items():
            saved = http.post("/acme/search/", json={"name": text[:100].strip(), "query": f"q={name}"})
            assert saved.status_code in (200, 201), saved.text
    page = windows.open("/?namespace=acme", width=width)
    page.locator("summary", has_text="Saved").click()
    expect(page.locator(".searches li")).not_to_have_count(0)
    _check(page)
    assert overflow(page) == 0
    for action in actions.values():
        row = page.locator(f"#action-{action['uuid']}")
        box = row.bounding_box()
        assert box is not None
        assert box["height"] <= (320 if width == NARROW else 60)
        for cell in row.locator("td").all():
            inner = cell.bounding_box()
            assert inner is not None
            assert inner["x"] >= box["x"] - 1
            assert inner["x"] + inner["width"] <= box["x"] + box["width"] + 1
    assert page.locator(".actions").evaluate("(one) => one.offsetWidth - one.parentElement.clientWidth") <= 0
    assert violations(page) == []


@on_both
def test_hostile_values_are_offered_as_text(windows: Windows, actions: dict[str, Json]) -> None:
    """What the filters offer is what was recorded, and chosen, it finds what has it."""
    assert actions
    page = windows.open("/?namespace=acme", width=NARROW)
    page.get_by_text("More filters").click()
    page.get_by_label("Operation", exact=True).fill("onerror")
    expect(page.locator("#v-action option")).to_have_count(1)
    expect(page.locator("#v-action option")).to_have_attribute("value", HOSTILE["script"])
    page.get_by_label("Operation", exact=True).fill(HOSTILE["script"])
    press(page, "Enter")
    expect(page.locator(".chip")).to_have_count(1)
    expect(page.locator(".actions tbody tr")).to_have_count(1)
    expect(page.locator("#plot[tabindex]")).to_be_visible()
    _check(page)
    assert overflow(page) == 0


@on_both
def test_hostile_text_reads_as_it_is(windows: Windows, actions: dict[str, Json]) -> None:
    """What is shown is what was sent, sign by sign, as far as it is shown."""
    text = actions["script"]["object"]
    page = windows.open(link("/object", object=text))
    assert (
        page.get_by_role("heading", level=1).inner_text().strip().startswith("\"'></title></textarea></script><script>")
    )
    assert page.get_by_role("heading", level=1).locator("bdi").get_attribute("title") == text


@on_both
@pytest.mark.parametrize("name", ["script", "direction", "long"])
def test_hostile_name_of_a_reader_is_text_everywhere(windows: Windows, server: Server, name: str) -> None:
    """Somebody whose own name is hostile sees all pages whole, and so does the admin who sees their key."""
    user = HOSTILE[name].replace(":", ";")[:256]
    with server.client() as http:
        issued = http.post("/key/", json={"user": user, "namespace": "acme", "role": "admin"}).json()
    for width in (NARROW, WIDE):
        page = windows.open("/keys", reader=Reader(user, issued["key"]), width=width)
        for path in ("/keys", f"/keys/{issued['id']}/revoke", "/api", "/system"):
            page.goto(path)
            _check(page)
            assert (path, overflow(page)) == (path, 0)
