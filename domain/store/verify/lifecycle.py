"""What may happen to an action: the lifecycle's table, its recorder's word, and the dates of what happened."""

from deedbook.domain.events import (
    ActionEnded,
    ActionRecorded,
    ActionRetried,
    ActionStarted,
    CancelRequested,
    Event,
)
from deedbook.domain.lifecycle import FINAL, State, allows
from deedbook.domain.store.verify.replay import Replay, Seen

Moving = ActionStarted | CancelRequested | ActionEnded


def begins(replay: Replay, seen: Seen, event: ActionRecorded) -> str | None:
    """An action is recorded once, here in a state that the table begins with, by an import in any."""
    if seen.aggregate in replay.actions:
        return "the action was recorded before"
    if event.imported or allows(None, event.state):
        return None
    return f"no action begins as {event.state}"


def moves(replay: Replay, seen: Seen, event: Moving) -> str | None:
    """Each later event takes a way that the table has: out of a final state there is none."""
    life = replay.actions.get(seen.aggregate)
    after = _after(event)
    if life is None:
        return f"{event.TOPIC} happened to no action that was recorded"
    return None if allows(life.state, after) else f"the lifecycle has no way from {life.state} to {after}"


def is_permitted(replay: Replay, seen: Seen, event: CancelRequested | ActionEnded) -> str | None:
    """An action whose recorder forbade it is not canceled by a user; a file that is imported knows better."""
    life = replay.actions.get(seen.aggregate)
    if life is None or life.imported or life.can_be_canceled:
        return None
    by_user = isinstance(event, CancelRequested) or (life.state is State.PENDING and event.state is State.CANCELED)
    return "it was canceled, and whoever recorded it forbade that" if by_user else None


def is_retried(replay: Replay, seen: Seen, _: ActionRetried) -> str | None:
    """Only what has ended is retried, and only where its recorder did not forbid it."""
    life = replay.actions.get(seen.aggregate)
    if life is None:
        return "no action that was recorded was retried"
    if life.state not in FINAL:
        return f"it was retried in state {life.state}, before it ended"
    return None if life.can_be_retried else "it was retried, and whoever recorded it forbade that"


def is_dated(replay: Replay, seen: Seen, event: Event) -> str | None:
    """What is recorded here happened when it was recorded; an end may wait for a start that lies in the future.

    What an import knows of an action's later life has the dates of the imported file.
    """
    if event.at == seen.recorded:
        return None
    if isinstance(event, Moving):
        life = replay.actions.get(seen.aggregate)
        if life is None or life.imported:
            return None
        if isinstance(event, ActionEnded) and event.at == max(seen.recorded, life.start or 0):
            return None
    return "its recorded date is not that on which it says that it happened"


def _after(event: Moving) -> State:
    match event:
        case ActionStarted():
            return State.IN_PROGRESS
        case CancelRequested():
            return State.CANCELING
        case ActionEnded():
            return event.state
