"""Durable POSTs a second, beside an empty Starlette POST on the same uvicorn that decodes the same body, and UmaDB."""

import re
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import httpx

from tests.benchmarks.peers import umadb
from tests.benchmarks.peers.process import running
from tests.benchmarks.report import Report
from tests.benchmarks.turns import take_turns
from tests.support.server import Server, serving

CONNECTIONS = 64
BODY = (
    '{"action":"Service Scale","method":"POST","path":"/api/app/v1/service/5f0e/scale/",'
    '"object":"/api/app/v1/service/5f0e/","state":"Success","user":"ann","user_agent":"docker-cloud/1.0.9",'
    '"ip":"203.0.113.7","location":"New York, USA","body":"{\\"target_num_containers\\": 3}"}'
)


def measure(report: Report, seconds: int = 10, turns: int = 3) -> None:
    """Let wrk post to both in turns, and count afterwards whether every answered action is there, also in the views."""
    if shutil.which("wrk") is None:
        print("Recording is not measured: install wrk (Debian's package of that name) and run again.")
        return
    with (
        tempfile.TemporaryDirectory() as name,
        serving(Path(name)) as server,
        running("empty", 2) as empty,
        umadb.serving(Path(name)) as uma,
    ):
        _compare(report, server, empty, uma, Path(name), seconds, turns)


def _compare(report: Report, server: Server, empty: str, uma: str, folder: Path, seconds: int, turns: int) -> None:
    script = script_of(folder, server.key)
    p99s: list[float] = []
    answered = appended = 0

    def durable() -> float:
        nonlocal answered
        rate, p99, requests = wrk(script, f"{server.api}/action/", seconds)
        p99s.append(p99)
        answered += requests
        caught_up(server)
        return rate

    def other() -> float:
        nonlocal appended
        rate, count = umadb.append(uma, BODY.encode(), CONNECTIONS, seconds)
        appended += count
        return rate

    contenders = {"empty": lambda: wrk(script, empty, seconds)[0], "durable": durable, "UmaDB": other}
    taken = take_turns(contenders, turns)
    _check(server, answered)
    if umadb.stored(uma) != appended:
        raise RuntimeError(f"UmaDB appended {appended} events and holds {umadb.stored(uma)}")
    what = f"durable POST, {CONNECTIONS} connections"
    report.add(f"{what}, of an empty one", f"{taken.told('durable')} of {taken.told('empty')}",
               taken.ratio("durable", "empty"), ">= 0.40", **taken._asdict(), p99=p99s)  # fmt: skip
    report.add(f"{what}, p99", f"{statistics.median(p99s):.0f} ({min(p99s):.0f}-{max(p99s):.0f}) ms", None, "< 50 ms")
    report.add(f"{what}, of UmaDB with as many threads", f"{taken.told('durable')} of {taken.told('UmaDB')}",
               taken.ratio("durable", "UmaDB"), "> 1")  # fmt: skip


def script_of(folder: Path, key: str) -> Path:
    """Return a script that lets wrk post `BODY` with a key."""
    script = folder / "post.lua"
    script.write_text(
        f"wrk.method='POST'\nwrk.body=[[{BODY}]]\nwrk.headers['Content-Type']='application/json'\n"
        f"wrk.headers['Authorization']='Bearer {key}'\n"
    )
    return script


def wrk(script: Path, url: str, seconds: int) -> tuple[float, float, int]:
    """Return requests a second, the 99th percentile in milliseconds, and how many were answered."""
    printed = subprocess.run(
        ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}", "--latency", "-s", str(script), url],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    if "Non-2xx" in printed:
        raise RuntimeError(printed)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", printed)
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", printed)
    requests = re.search(r"(\d+) requests in", printed)
    if rate is None or p99 is None or requests is None:
        raise RuntimeError(printed)
    unit = {"us": 0.001, "ms": 1.0, "s": 1000.0}[p99[2]]
    return float(rate[1]), float(p99[1]) * unit, int(requests[1])


def caught_up(server: Server, seconds: float = 1.0) -> None:
    """Return when the views have all that is in the log; raises RuntimeError where that is not within `seconds`."""
    until = time.monotonic() + seconds
    # Health asks nothing of the views, and wakes nobody up.
    while (behind := httpx.get(f"{server.address}/health").json()["views"]["behind"]) != 0:
        if time.monotonic() > until:
            raise RuntimeError(f"the views are {behind} events behind, {seconds} s after the last was recorded")
        time.sleep(0.02)


def _check(server: Server, answered: int) -> None:
    """Every answered action is in the list; wrk hangs up on at most one request a connection and turn."""
    with server.client() as client:
        total = client.get("/acme/action/", params={"limit": 1}).json()["meta"]["total_count"]
    if not answered <= total <= answered + 10 * CONNECTIONS:
        raise RuntimeError(f"{answered} were answered, {total} are there")
    httpx.get(f"{server.address}/health").raise_for_status()
