"""Retries link both ways: whoever was retried names the retry, and it names whom it retries."""

from uuid import UUID

from deedbook.domain.events import ActionRecorded
from deedbook.domain.store.verify.replay import Replay, Seen


def is_linked(replay: Replay, seen: Seen, event: ActionRecorded) -> str | None:
    """A retry is recorded behind the event of whom it retries; what an import says of others is its own."""
    if event.imported or replay.is_torn:
        return None
    must = replay.retried.get(seen.aggregate)
    told = None if event.retry_of is None else event.retry_of.bytes
    if told == must:
        return None
    if must is None:
        return f"it says that it retries {event.retry_of}, which knows nothing of it"
    return f"it is the retry of {UUID(bytes=must)}, and does not say so"
