"""How measurements are taken and told."""

import json
import platform
import statistics
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("eventsourcing", "sqlite-utils", "starlette", "uvicorn", "uvloop", "httptools", "msgspec", "websockets")


class Report:
    """A table of what was measured, and the same as JSON."""

    def __init__(self) -> None:
        self._rows: list[dict[str, object]] = []

    def add(self, what: str, figure: str, ratio: float | None = None, expected: str = "", **more: object) -> None:
        """Add a row, and print it at once."""
        row = {"what": what, "figure": figure, "ratio": ratio, "expected": expected, **more}
        self._rows.append(row)
        shown = "" if ratio is None else f"{ratio:.2f}"
        print(f"{what:60} {figure:>46} {shown:>7}  {expected}", flush=True)

    def save(self, path: Path) -> None:
        """Write everything as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"machine": machine(), "rows": self._rows}, indent=2))


def machine() -> dict[str, str]:
    """Return what it was measured on."""
    cores = Path("/proc/cpuinfo").read_text().count("processor\t") if Path("/proc/cpuinfo").exists() else 0
    return {
        "machine": f"{platform.machine()}, {cores} cores, {platform.system()} {platform.release()}",
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
    }


def median_ms(question: Callable[[], object], times: int) -> float:
    """Return the median of how long a question takes, in milliseconds."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        question()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken) * 1000
