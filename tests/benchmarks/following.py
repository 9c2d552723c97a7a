"""How fast a page answers its reader while it follows an action's output at 500 lines a second, in a real Chromium."""

import tempfile
import time
from pathlib import Path
from statistics import median
from threading import Event, Thread
from uuid import UUID

import httpx
from playwright.sync_api import Page, expect

from deedbook.domain.commands import AppendOutput, Line
from deedbook.domain.store.sqlite import SqliteStore
from tests.benchmarks.report import Report
from tests.support.browser import Windows, chromium, program
from tests.support.server import Server, serving

#: Lines that are there before, and those that come: so many at once, so often in a second.
BEFORE = 100_000
AT_ONCE, TIMES = 50, 10

#: What Chromium itself measures: from input to the next paint (Event Timing), tasks of over 50 ms, and every frame.
_OBSERVE = """() => {
    Object.assign(window, { inputs: [], tasks: [], frames: [] });
    const observe = (into, how) => new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) into.push(duration);
    }).observe(how);
    observe(inputs, { type: "event", durationThreshold: 16 });
    observe(tasks, { type: "longtask" });
    let last = performance.now();
    const frame = (now) => { frames.push(now - last); last = now; requestAnimationFrame(frame); };
    requestAnimationFrame(frame);
}"""


def measure(report: Report, seconds: int) -> None:
    """Type, wrap and scroll in a page that follows, and ask Chromium how long each took to be painted."""
    executable = program()
    if executable is None:
        report.add("following, input to paint", "no Chromium here")
        return
    with tempfile.TemporaryDirectory() as name, serving(Path(name)) as server, chromium(executable) as browser:
        action = _begun(server, Path(name) / "log.db")
        page = Windows(browser, server).open(f"/action/{action}")
        expect(page.locator("#output-count")).to_have_text(f"{BEFORE:,} lines")
        page.evaluate(_OBSERVE)
        stop = Event()
        writer = Thread(target=_write, args=(server, action, stop))
        writer.start()
        try:
            _use(page, seconds)
        finally:
            stop.set()
            writer.join()
        inputs, tasks, frames = page.evaluate("[inputs, tasks, frames]")
        shown = int(page.locator(".line .no").last.inner_text()) - BEFORE
        report.add("following, lines shown", f"{shown / seconds:,.0f} a second", None, ">= 490")
        report.add("following, input to paint, the longest", f"{max(inputs, default=0):.0f} ms", None, "< 100 ms")
        report.add(
            "following, tasks over 50 ms", f"{len(tasks)}, the longest {max(tasks, default=0):.0f} ms", None, "0"
        )
        report.add("following, frames", f"median {median(frames):.1f}, longest {max(frames):.0f} ms")


def _begun(server: Server, path: Path) -> str:
    """Return the id of an action that runs and has written much."""
    call = {"action": "Build", "method": "POST", "path": "/build/", "state": "In progress"}
    with server.client() as client:
        action: str = client.post("/action/", json=call).json()["uuid"]
    store = SqliteStore(path)
    for block in range(0, BEFORE, 10_000):
        lines = tuple(Line(f"line {block + number} of what was written before") for number in range(10_000))
        store.audit_log.perform(AppendOutput(id=UUID(action), namespace=None, lines=lines))
    store.close()
    return action


def _write(server: Server, action: str, stop: Event) -> None:
    began = time.monotonic()
    with httpx.Client(base_url=server.api, auth=("me", server.key), timeout=60) as client:
        turn = 0
        while not stop.wait(max(0.0, began + turn / TIMES - time.monotonic())):
            lines = [
                f"\x1b[32mINFO\x1b[0m {turn} GET \x1b[1m/api/service/\x1b[0m \x1b[38;5;{number}m{number} ms\x1b[0m"
                for number in range(AT_ONCE)
            ]
            client.post(f"/action/{action}/logs/", json={"lines": lines})
            turn += 1


def _use(page: Page, seconds: int) -> None:
    """Do what a reader does: type, break lines and not, look at times, and never leave the end."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        page.locator("#jump-to").press_sequentially("12345", delay=50)
        page.locator("#jump-to").fill("")
        page.locator("#output-wrap").click()
        page.locator("#output-times").click()
