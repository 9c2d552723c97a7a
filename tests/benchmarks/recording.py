"""Durable POSTs a second, beside an empty Starlette POST on the same uvicorn that decodes the same body."""

import re
import shutil
import statistics
import subprocess
import tempfile
from pathlib import Path

import httpx

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
    """Let wrk post to both in turns, and count afterwards whether every answered action is there."""
    if shutil.which("wrk") is None:
        print("Recording is not measured: install wrk (Debian's package of that name) and run again.")
        return
    with tempfile.TemporaryDirectory() as name, serving(Path(name)) as server, running("empty", 2) as empty:
        _compare(report, server, empty, Path(name), seconds, turns)


def _compare(report: Report, server: Server, empty: str, folder: Path, seconds: int, turns: int) -> None:
    script = script_of(folder, server.key)
    p99s: list[float] = []
    answered = 0

    def durable() -> float:
        nonlocal answered
        rate, p99, requests = wrk(script, f"{server.api}/action/", seconds)
        p99s.append(p99)
        answered += requests
        return rate

    taken = take_turns({"empty": lambda: wrk(script, empty, seconds)[0], "durable": durable}, turns)
    _check(server, answered)
    figure = f"{taken.told('durable')} of {taken.told('empty')}, p99 {statistics.median(p99s):.0f} ms"
    report.add(f"durable POST, {CONNECTIONS} connections, of an empty one", figure, taken.ratio("durable", "empty"),
               ">= 0.40", **taken._asdict(), p99=p99s)  # fmt: skip


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


def _check(server: Server, answered: int) -> None:
    """Every answered action is in the list; wrk hangs up on at most one request a connection and turn."""
    with server.client() as client:
        total = client.get("/acme/action/", params={"limit": 1}).json()["meta"]["total_count"]
    if not answered <= total <= answered + 10 * CONNECTIONS:
        raise RuntimeError(f"{answered} were answered, {total} are there")
    httpx.get(f"{server.address}/health").raise_for_status()
