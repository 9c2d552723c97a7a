"""Moments of the log: which position had been reached at a date."""

from typing import Protocol


class Dated(Protocol):
    """A log whose recorded dates never go back: see `EventLog`."""

    def recorded(self, position: int) -> int | None:
        """Return the recorded date of the event at a position, None where there is none."""


def position_at(log: Dated, date: int, head: int) -> int:
    """Return the last position up to `head` that was recorded by a date, in microseconds; 0 where none was.

    Looks at one event for each bit of `head`: positions have no hole, and dates are in their order.
    """
    low, high = 0, head
    while low < high:
        middle = (low + high + 1) // 2
        recorded = log.recorded(middle)
        if recorded is not None and recorded <= date:
            low = middle
        else:
            high = middle - 1
    return low
