"""Two ways into one log, used by turns as if they were one."""

from collections.abc import Sequence
from itertools import cycle
from typing import Any

from deedbook.domain.testing.driver import Driver


def by_turns(drivers: Sequence[Driver]) -> Driver:
    """Return a driver that gives each command, and asks each question, by the next of several."""
    turning: Any = _ByTurns(drivers)  # all that a driver has, by whichever is next
    driver: Driver = turning
    return driver


class _ByTurns:
    def __init__(self, drivers: Sequence[Driver]) -> None:
        self._turns = cycle(drivers)

    def __getattr__(self, name: str) -> object:
        return getattr(next(self._turns), name)
