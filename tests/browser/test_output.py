"""The output of an action in a browser: live, however long, and whatever it holds."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page, expect

from deedbook.domain.store.sqlite import SqliteStore
from deedbook.web.console.assets import Assets
from deedbook.web.console.visible import output
from tests.support.browser import GONE, Reader, Windows, on_both, press
from tests.support.million import BEGAN, LONG, write_long
from tests.support.server import Server, serving
from tests.web.api.callers import Caller, Json, Tenant

#: The numbers of the lines that stand in the page, in order.
_NUMBERS = "[...document.querySelectorAll('.line .no')].map((one) => Number(one.textContent))"

#: Whether the box is at its end, and whether a line is in sight within it.
_AT_END = """() => {
    const box = document.getElementById("lines");
    return box.scrollHeight - box.scrollTop - box.clientHeight < 4;
}"""
_IN_SIGHT = """(line) => {
    const row = document.querySelector(`.line .no[href="#L${line}"]`)?.getBoundingClientRect();
    const box = document.getElementById("lines").getBoundingClientRect();
    return !!row && row.top >= box.top - 1 && row.bottom <= box.bottom + 1;
}"""


@pytest.fixture
def tenant(server: Server) -> Iterator[Tenant]:
    """A namespace that only this test uses."""
    with httpx.Client(base_url=server.api, timeout=60) as http:
        yield Tenant(http, server.key)


def append(caller: Caller, action: Json, first: int, last: int) -> None:
    """Append lines that tell their numbers, a second from each to the next."""
    lines = [{"log": f"line {number}", "timestamp": BEGAN + number} for number in range(first, last + 1)]
    caller.act(action, "logs", {"lines": lines})


def shown(windows: Windows, caller: Caller, action: Json, fragment: str = "") -> Page:
    """Open the page of an action in a window of its own, and return when its output is there."""
    page = windows.open(f"/action/{action['uuid']}{fragment}", reader=Reader(caller.user, caller.key))
    expect(page.locator("#output-link")).not_to_be_empty()
    return page


def in_sight(page: Page, line: int) -> None:
    """Wait until a line is in sight."""
    expect(page.locator(f'.line .no[href="#L{line}"]')).to_be_visible()
    for _ in range(300):
        if page.evaluate(_IN_SIGHT, line):
            return
        page.wait_for_timeout(20)
    pytest.fail(f"line {line} is not in sight")


@on_both
def test_new_lines_are_followed_until_one_looks_back(windows: Windows, tenant: Tenant) -> None:
    """The box stays at its end; who scrolls up stays there, is told how many came, and follows again by a click."""
    action = tenant.recorder.record(state="In progress")
    page = shown(windows, tenant.auditor, action)
    expect(page.locator("#output-empty")).to_contain_text("No output yet")
    append(tenant.recorder, action, 1, 120)
    expect(page.locator("#output-count")).to_have_text("120 lines")
    expect(page.locator("#output-follow")).to_have_attribute("aria-pressed", "true")
    append(tenant.recorder, action, 121, 200)
    in_sight(page, 200)
    page.locator("#lines").focus()
    press(page, "PageUp")
    expect(page.locator("#output-follow")).to_have_attribute("aria-pressed", "false")
    append(tenant.recorder, action, 201, 242)
    expect(page.get_by_role("button", name="42 new lines")).to_be_visible()
    assert not page.evaluate(_AT_END)
    page.get_by_role("button", name="42 new lines").click()
    in_sight(page, 242)
    append(tenant.recorder, action, 243, 243)
    in_sight(page, 243)
    assert page.evaluate(_NUMBERS) == sorted(set(page.evaluate(_NUMBERS)))


@on_both
def test_what_is_paused_stands_still_and_nothing_is_missing_after(windows: Windows, tenant: Tenant) -> None:
    """No line is added while it is paused; then all are there. The end of the output says so, with their number."""
    action = tenant.recorder.record(state="In progress")
    append(tenant.recorder, action, 1, 10)
    page = shown(windows, tenant.auditor, action)
    press(page, "z")
    append(tenant.recorder, action, 11, 230)
    expect(page.get_by_role("button", name="220 new lines")).to_be_visible()
    assert page.evaluate(_NUMBERS) == list(range(1, 11))
    page.locator("#output-pause").click()
    in_sight(page, 230)
    tenant.recorder.act(action, "finish", {"state": "Success"})
    expect(page.locator("#output-link")).to_have_text("Ended ·")
    expect(page.locator("#output-count")).to_have_text("230 lines")
    expect(page.locator("#output-pause")).to_be_hidden()


def test_no_line_is_lost_or_doubled_when_the_server_restarts(
    windows: Windows, browser: Browser, tmp_path: Path
) -> None:
    """The page says that it is disconnected, comes back by itself, and goes on behind the last line that it had."""
    with serving(tmp_path) as server, httpx.Client(base_url=server.api, timeout=60) as http:
        me = Caller(http, "me", server.key)
        action = me.record(state="In progress")
        append(me, action, 1, 50)
        own = Windows(browser, server)
        own.expect(GONE)
        page = shown(own, me, action)
        expect(page.locator("#output-link")).to_have_text("Live ·")
        server.kill()
        expect(page.locator("#output-link")).to_contain_text("Disconnected")
        expect(page.locator("#link-state")).to_contain_text("can't be reached")
        server.start()
        append(me, action, 51, 90)
        expect(page.locator("#output-count")).to_have_text("90 lines")
        expect(page.locator("#output-link")).to_have_text("Live ·")
        expect(page.locator("#link-state")).to_be_hidden()
        me.act(action, "finish", {"state": "Failed"})
        expect(page.locator(".action-head .state")).to_have_text("Failed")
        expect(page.locator(".line")).to_have_count(90)
        assert page.evaluate(_NUMBERS) == list(range(1, 91))
        assert own.close() == []
    assert windows.complaints == []


@pytest.fixture
def long(server: Server) -> Json:
    """An action that wrote 100,000 lines, a second from each to the next."""
    with server.client() as http:
        if http.get(f"/action/{LONG}/").status_code == httpx.codes.NOT_FOUND:
            store = SqliteStore(Path(server.url.removeprefix("sqlite:///")))
            write_long(store.audit_log)
            store.close()
    return {"uuid": str(LONG)}


@on_both
def test_a_hundred_thousand_lines_are_at_hand(windows: Windows, server: Server, long: Json) -> None:
    """Every line and moment is a step away, wrapped or not, and only those near it stand in the page."""
    page = shown(windows, Caller(httpx.Client(), "me", server.key), long)
    expect(page.locator("#output-count")).to_have_text("100,000 lines")
    in_sight(page, 100_000)
    field = page.get_by_label("Go to a line or a time")
    for typed, line in [
        ("50000", 50_000),
        ("1", 1),
        ("13:30", 680),
        ("2026-07-15 00:00:00", 38_480),
        ("99999", 99_999),
    ]:
        field.fill(typed)
        field.press("Enter")
        in_sight(page, line)
        expect(page.locator(".line.chosen .no")).to_have_text(str(line))
        expect(page.locator(".line.chosen")).to_be_in_viewport()
        page.locator("#output-wrap").click()
        in_sight(page, line)
        assert page.locator(".line").count() <= 500
        numbers = page.evaluate(_NUMBERS)
        assert numbers == sorted(set(numbers))
    field.fill("2027-01-01 00:00")
    field.press("Enter")
    expect(page.locator("#told")).to_have_text("All lines were written before then.")
    field.fill("soon")
    field.press("Enter")
    expect(page.locator("#told")).to_contain_text("Write a line, like 1234, or a time")


@on_both
def test_what_is_looked_for_is_found_and_counted(windows: Windows, server: Server, long: Json) -> None:
    """By keyboard: how many lines have it, in any case, across colours; the next, the one before, in a circle."""
    page = shown(windows, Caller(httpx.Client(), "me", server.key), long, "#L50000")
    in_sight(page, 50_000)
    page.locator("#lines").focus()
    press(page, "/")
    expect(page.get_by_label("Find in the output")).to_be_focused()
    page.keyboard.type("LINE 5001")
    expect(page.locator("#find-count")).to_have_text("2 of 11 lines")
    in_sight(page, 50_010)
    for key, line, place in [
        ("Enter", 50_011, 3),
        ("Shift+Enter", 50_010, 2),
        ("Shift+Enter", 5001, 1),
        ("Shift+Enter", 50_019, 11),
        ("Enter", 5001, 1),
    ]:
        press(page, key)
        expect(page.locator("#find-count")).to_have_text(f"{place} of 11 lines")
        in_sight(page, line)
    assert page.evaluate("[...CSS.highlights.get('found-now')].map(String)") == ["line 5001"]
    press(page, "Control+A")
    page.keyboard.type("nothing")
    expect(page.locator("#find-count")).to_have_text("no line has it")
    press(page, "Control+A")
    page.keyboard.type("lorem")
    expect(page.locator("#find-count")).to_contain_text("of 10,000+ lines")


def test_new_lines_are_looked_through_too(windows: Windows, tenant: Tenant) -> None:
    """What comes later is counted where it has the text, whatever colours it has within."""
    action = tenant.recorder.record(state="In progress")
    append(tenant.recorder, action, 1, 3)
    page = shown(windows, tenant.auditor, action)
    page.get_by_label("Find in the output").fill("line 3")
    expect(page.locator("#find-count")).to_have_text("1 of 1 lines")
    tenant.recorder.act(action, "logs", {"lines": ["\x1b[31mLI\x1b[0mNE \x1b[1m3\x1b[0m", "another"]})
    expect(page.locator("#find-count")).to_have_text("1 of 2 lines")


@on_both
def test_a_line_has_a_link(windows: Windows, tenant: Tenant) -> None:
    """Its number puts it into the address; who opens that comes to the line; and it can be copied."""
    action = tenant.recorder.record(state="In progress")
    append(tenant.recorder, action, 1, 400)
    page = shown(windows, tenant.auditor, action)
    in_sight(page, 400)
    page.locator('.line .no[href="#L395"]').click()
    expect(page).to_have_url(re.compile("#L395$"))
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    press(page, "c")
    expect(page.locator("#told")).to_have_text("The link to line 395 is copied.")
    assert page.evaluate("navigator.clipboard.readText()") == page.url
    other = shown(windows, tenant.auditor, action, "#L7")
    in_sight(other, 7)
    expect(other.locator(".line.chosen .no")).to_have_text("7")


def test_long_lines_are_cut_until_one_asks(windows: Windows, tenant: Tenant) -> None:
    """Of 60,000 characters the first stand there; a click, or a match, shows all."""
    action = tenant.recorder.record(state="In progress")
    tenant.recorder.act(action, "logs", {"lines": ["short", "x" * 60_000, "y" * 60_000 + "needle"]})
    page = shown(windows, tenant.auditor, action)
    texts = "[...document.querySelectorAll('.line .text')].map((one) => one.textContent.length)"
    expect(page.locator(".line")).to_have_count(3)
    assert page.evaluate(texts) == [5, 2000, 2000]
    page.get_by_role("button", name="… all 60,000 characters").click()
    assert page.evaluate(texts) == [5, 60_000, 2000]
    page.get_by_label("Find in the output").fill("NEEDLE")
    expect(page.locator("#find-count")).to_have_text("1 of 1 lines")
    expect(page.get_by_role("button", name="… all")).to_have_count(0)
    assert page.evaluate(texts) == [5, 60_000, 60_006]


#: Lines with much of what a terminal would obey.
LINES = st.lists(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
    | st.sampled_from(
        [
            "\x1b[",
            "\x1b[1;31m",
            "\x1b[38;5;9m",
            "\x1b[48:2::1:2:3m",
            "\x1b[0m",
            "\x1b]8;;x\x1b\\",
            "\x9b",
            "\u202e",
            "\x00",
            "m",
            "<b>",
        ]
    ),
    max_size=8,
).map("".join)


@pytest.fixture
def written(windows: Windows) -> Page:
    """A page that can write lines: `write(text)` gives the node."""
    page = windows.open("/system")
    page.evaluate("""async (path) => {
        const { write, readable, after } = await import(path);
        window.write = (text) => { const node = document.createElement("div"); write(node, text); return node; };
        Object.assign(window, { readable, after });
    }""", Assets().path("ansi.js"))  # fmt: skip
    return page


def test_scripts_show_what_the_server_shows(written: Page) -> None:
    """For all lines: the same text, with the same signs named, and no other element than spans."""

    @settings(max_examples=25)
    @given(lines=st.lists(LINES, min_size=20, max_size=20))
    def holds(lines: list[str]) -> None:
        shown = written.evaluate(
            """(lines) => lines.map((line) => {
                const node = write(line);
                const signs = [...node.querySelectorAll(".sign")].map((one) => one.textContent);
                return [node.textContent, signs, node.querySelectorAll(":not(span)").length];
            })""",
            lines,
        )
        for line, (text, signs, others) in zip(lines, shown, strict=True):
            html = str(output(line))
            assert text == unescape(re.sub('<span class="sign">|</span>', "", html))
            assert signs == re.findall(r'<span class="sign">([^<]+)</span>', html)
            assert others == 0

    holds()


@pytest.mark.parametrize(
    ("line", "look"),
    [
        ("\x1b[1mx", {"className": "bold"}),
        ("\x1b[1;3;4mx", {"className": "bold italic underline"}),
        ("\x1b[1m\x1b[22mx", None),
        ("\x1b[31mx", {"color": "light-dark(rgb("}),
        ("\x1b[38;5;196mx", {"color": "rgb"}),
        ("\x1b[38;2;1;2;3mx", {"color": "rgb(1 2 3)"}),
        ("\x1b[38:2::1:2:3mx", {"color": "rgb(1 2 3)"}),
        ("\x1b[48;2;1;2;3mx", {"backgroundColor": "rgb(1 2 3)"}),
        ("\x1b[31m\x1b[39mx", None),
        ("\x1b[38;5mx", None),
        ("\x1b[38;2;999;2;3mx", None),
        ("\x1b[8mx", {"className": "conceal"}),
    ],
)
def test_colours_and_weights_are_those_of_a_terminal(written: Page, line: str, look: dict[str, str] | None) -> None:
    """SGR, as ECMA-48 and xterm have it; what makes no sense changes nothing."""
    found = written.evaluate(
        """(line) => {
            const span = write(line).firstElementChild;
            if (!span) return null;
            const { color, backgroundColor } = span.style;
            return { className: span.className, color, backgroundColor };
        }""",
        line,
    )
    if look is None:
        assert found is None
    else:
        squeezed = {name: value.replace(",", "") for name, value in found.items()}
        assert all(value in squeezed[name] for name, value in look.items()), found


def test_every_colour_can_be_read(written: Page) -> None:
    """On all grounds that a line has, and on each other: a contrast of 4.5 (WCAG 2.2, 1.4.3)."""
    worst = written.evaluate("""() => {
        const part = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
        const luminance = ([r, g, b]) => 0.2126 * part(r / 255) + 0.7152 * part(g / 255) + 0.0722 * part(b / 255);
        const ratio = (a, b) => {
            const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
            return (high + 0.05) / (low + 0.05);
        };
        const parts = [0, 51, 102, 128, 170, 200, 230, 255];
        const all = parts.flatMap((r) => parts.flatMap((g) => parts.map((b) => [r, g, b])));
        const inks = all.filter((_, at) => at % 7 === 0);
        return Math.min(...all.flatMap((ground) => inks.map((ink) => ratio(readable(ink, ground), ground))));
    }""")
    assert worst >= 4.5
