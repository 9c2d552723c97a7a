"""`make bench`: measures, prints a table, and leaves the same as JSON in build/bench.json."""

import argparse
from pathlib import Path

from tests.benchmarks import reading, recording
from tests.benchmarks.report import Report, machine


def main() -> None:
    """Measure everything, or what is named."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=…")
    parser.add_argument("what", nargs="*", choices=["recording", "reading"], default=["recording", "reading"])
    parser.add_argument("--seconds", type=int, default=10, help="of one turn of wrk")
    parser.add_argument("--actions", type=int, default=reading.LARGE, help="in the large store")
    options = parser.parse_args()
    for name, value in machine().items():
        print(f"{name:14}{value}")
    report = Report()
    if "recording" in options.what:
        recording.measure(report, options.seconds)
    if "reading" in options.what:
        reading.measure(report, options.actions)
    report.save(Path("build/bench.json"))


main()
