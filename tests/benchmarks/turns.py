"""Contenders that take turns, A B A B …: what else the shared machine does falls on all of them alike."""

import statistics
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple


class Turns(NamedTuple):
    """What each contender reached in each turn, and the machine's own speed before it (`calibration`)."""

    figures: Mapping[str, list[float]]
    loop: list[float]

    def median(self, name: str) -> float:
        """Return the median of one contender."""
        return statistics.median(self.figures[name])

    def ratio(self, name: str, of: str) -> float:
        """Return one contender of another: the median of the ratios of their turns."""
        return statistics.median(a / b for a, b in zip(self.figures[name], self.figures[of], strict=True))

    def told(self, name: str, unit: str = "/s") -> str:
        """Return the median of one contender and its spread, for a table."""
        figures = self.figures[name]
        return f"{self.median(name):,.0f} ({min(figures):,.0f}-{max(figures):,.0f}){unit}"


def take_turns(contenders: Mapping[str, Callable[[], float]], turns: int = 3) -> Turns:
    """Let each contender measure once in each turn, in order; each returns its figure."""
    figures: dict[str, list[float]] = {name: [] for name in contenders}
    loop = []
    for _ in range(turns):
        loop.append(calibration())
        for name, contender in contenders.items():
            figures[name].append(contender())
    return Turns(figures, loop)


def calibration() -> float:
    """Return how many million steps of an empty loop a core does in a second now: what noise is seen by."""
    began = time.perf_counter()
    for _ in range(2_000_000):
        pass
    return 2 / (time.perf_counter() - began)
