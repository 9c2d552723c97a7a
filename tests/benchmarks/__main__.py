"""`make bench`: measures, prints a table, and leaves the same as JSON in build/bench.json."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks import console, crowds, following, postgres, reading, recording, replay
from tests.benchmarks.report import Report, machine


class Options(NamedTuple):
    """How much is measured: `seconds` of one turn, and `actions` in the large store."""

    seconds: int
    actions: int


PARTS: dict[str, Callable[[Report, Options], None]] = {
    "recording": lambda report, options: recording.measure(report, options.seconds),
    "reading": lambda report, options: reading.measure(report, options.actions),
    "replay": lambda report, options: replay.measure(report, options.actions, options.seconds),
    "postgres": lambda report, options: postgres.measure(report, options.seconds),
    "console": lambda report, options: console.measure(report, options.seconds),
    "crowds": lambda report, options: crowds.measure(report, options.seconds),
    "following": lambda report, options: following.measure(report, options.seconds),
}


def main() -> None:
    """Measure everything, or some parts."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=…")
    parser.add_argument("--only", choices=list(PARTS), action="append", help="may be given several times")
    parser.add_argument("--seconds", type=int, default=10, help="of one turn")
    parser.add_argument("--actions", type=int, default=reading.LARGE, help="in the large store")
    chosen = parser.parse_args()
    for name, value in machine().items():
        print(f"{name:14}{value}")
    report = Report()
    for name in chosen.only or PARTS:
        PARTS[name](report, Options(chosen.seconds, chosen.actions))
    report.save(Path("build/bench.json"))


main()
