"""`make bench`: measures, prints a table, and leaves the same as JSON in build/bench.json."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks import (
    alone,
    batches,
    console,
    crowds,
    following,
    lists,
    loading,
    postgres,
    recording,
    replay,
    standing,
    walking,
)
from tests.benchmarks.report import Report, machine


class Options(NamedTuple):
    """How much is measured: `seconds` of one turn, `actions` in the large store; `store`: where stores are kept."""

    seconds: int
    actions: int | None
    store: Path | None


PARTS: dict[str, Callable[[Report, Options], None]] = {
    "recording": lambda report, options: recording.measure(report, options.seconds),
    "alone": lambda report, options: alone.measure(report, options.seconds),
    "batches": lambda report, options: batches.measure(report, options.seconds),
    "loading": lambda report, options: loading.measure(report, options.seconds),
    "lists": lambda report, options: lists.measure(
        report, options.actions or lists.LARGE, options.store, options.seconds
    ),
    "walking": lambda report, options: walking.measure(report, options.store),
    "standing": lambda report, options: standing.measure(
        report, options.actions or lists.LARGE, options.store, options.seconds
    ),
    "replay": lambda report, options: replay.measure(report, options.actions or replay.LARGE, options.seconds),
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
    parser.add_argument("--actions", type=int, help="in the large store: ten million, or one for a rebuild")
    parser.add_argument("--store", type=Path, help="keep large stores in this folder, and take those that are there")
    chosen = parser.parse_args()
    for name, value in machine().items():
        print(f"{name:14}{value}")
    report = Report()
    for name in chosen.only or PARTS:
        PARTS[name](report, Options(chosen.seconds, chosen.actions, chosen.store))
    report.save(Path("build/bench.json"))


main()
