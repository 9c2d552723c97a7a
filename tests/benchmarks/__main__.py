"""`make bench`: measures, prints a table, and leaves the same as JSON in build/bench.json."""

import argparse
from pathlib import Path

from tests.benchmarks import following, postgres, reading, recording, replay
from tests.benchmarks.report import Report, machine


def main() -> None:
    """Measure everything, or one part."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=…")
    parser.add_argument("--only", choices=["recording", "reading", "replay", "postgres", "following"])
    parser.add_argument("--seconds", type=int, default=10, help="of one turn of wrk")
    parser.add_argument("--actions", type=int, default=reading.LARGE, help="in the large store")
    options = parser.parse_args()
    for name, value in machine().items():
        print(f"{name:14}{value}")
    report = Report()
    if options.only in (None, "recording"):
        recording.measure(report, options.seconds)
    if options.only in (None, "reading"):
        reading.measure(report, options.actions)
    if options.only in (None, "replay"):
        replay.measure(report, options.actions, options.seconds)
    if options.only in (None, "postgres"):
        postgres.measure(report, options.seconds)
    if options.only in (None, "following"):
        following.measure(report, options.seconds)
    report.save(Path("build/bench.json"))


main()
