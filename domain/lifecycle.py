"""The states of an action and every allowed transition, as one table."""

from collections import deque
from collections.abc import Mapping
from enum import StrEnum


class State(StrEnum):
    """The state of an action, as the wire spells it."""

    PENDING = "Pending"
    IN_PROGRESS = "In progress"
    CANCELING = "Canceling"
    CANCELED = "Canceled"
    SUCCESS = "Success"
    FAILED = "Failed"


#: From each state (None: before the action was recorded), the states it may go to.
TRANSITIONS: Mapping[State | None, frozenset[State]] = {
    None: frozenset({State.SUCCESS, State.FAILED, State.IN_PROGRESS, State.PENDING}),
    State.PENDING: frozenset({State.IN_PROGRESS, State.CANCELED}),
    State.IN_PROGRESS: frozenset({State.SUCCESS, State.FAILED, State.CANCELING}),
    State.CANCELING: frozenset({State.CANCELED, State.SUCCESS, State.FAILED}),
    State.SUCCESS: frozenset(),
    State.FAILED: frozenset(),
    State.CANCELED: frozenset(),
}

#: Where a user's request to cancel leads: what waits is canceled at once, what runs is told to stop.
ON_CANCEL: Mapping[State, State] = {State.PENDING: State.CANCELED, State.IN_PROGRESS: State.CANCELING}

#: The states that nothing leads out of. What can be retried is exactly what is final.
FINAL = frozenset(state for state, targets in TRANSITIONS.items() if state is not None and not targets)

#: The states in which an action occupies its object, so that a waiting one may not start there.
RUNNING = frozenset({State.IN_PROGRESS, State.CANCELING})


def allows(before: State | None, after: State) -> bool:
    """Tell whether the table has the transition from `before` (None: not yet recorded) to `after`."""
    return after in TRANSITIONS[before]


def steps(before: State, after: State) -> tuple[State, ...] | None:
    """Return the shortest way through the table from `before` to `after`, or None where there is none.

    The states come in order, without `before` and with `after`; the way from a state to itself is empty.
    """
    ways: deque[tuple[State, ...]] = deque([()])
    seen = {before}
    while ways:
        way = ways.popleft()
        here = way[-1] if way else before
        if here is after:
            return way
        for there in sorted(TRANSITIONS[here] - seen):
            seen.add(there)
            ways.append((*way, there))
    return None
