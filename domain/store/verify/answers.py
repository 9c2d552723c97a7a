"""Idempotency keys: the answer that is given for each again must be one that the log bears out."""

from collections.abc import Iterator

import msgspec

from deedbook.domain.action import Action, evolve
from deedbook.domain.events import ActionEvent, ActionRecorded
from deedbook.domain.finding import Finding
from deedbook.domain.results import Imported, KeyChanged, Recorded, Result
from deedbook.domain.store.codec import decode
from deedbook.domain.store.verify.replay import Replay
from deedbook.domain.store.verify.snapshot import Snapshot, StoredAnswer

_RESULTS = msgspec.json.Decoder(Result)


def answers(store: Snapshot, replay: Replay) -> Iterator[Finding]:
    """Check every answer: it can be read, was given within the log, and is what the log says of its subject."""
    for answer in store.answers():
        fault = _fault(store, replay, answer)
        if fault is not None:
            what = f"the answer to the Idempotency-Key {answer.key!r} of {answer.namespace!r}: {fault}"
            yield Finding(answer.position, "idempotency", what)


def _fault(store: Snapshot, replay: Replay, answer: StoredAnswer) -> str | None:
    if not 0 <= answer.position <= replay.position:
        return f"its position is not in the log, which ends at {replay.position}"
    try:
        result = _RESULTS.decode(answer.result)
    except (msgspec.MsgspecError, RecursionError) as error:
        return f"it can't be read ({error})"
    match result:
        case Recorded(action):
            return _recorded(store, answer, action)
        case Imported(action_id):
            return None if action_id.bytes in replay.actions else f"there is no action {action_id}"
        case KeyChanged(key):
            return None if key.id in replay.issued else f"there is no key {key.id}"
    return None


def _recorded(store: Snapshot, answer: StoredAnswer, action: Action) -> str | None:
    """Compare an answer with the action as it was at the answer's position.

    What was recorded is compared where it is stored as this version writes it: an older form, upcast, may say more.
    """
    then: Action | None = None
    first = ""
    for row in store.history(action.id.bytes):
        if row.position <= answer.position:
            try:
                event = decode(row.topic, row.state)
            except ValueError:
                return None
            if not isinstance(event, ActionEvent) or (then is None and not isinstance(event, ActionRecorded)):
                return None
            first = first or row.topic
            then = evolve(then, action.id, event)
    if then is None:
        return f"there was no action {action.id} at its position"
    same = (then.state, then.start, then.end) == (action.state, action.start, action.end)
    if first == then.recorded.TOPIC:
        same = same and then.recorded == action.recorded
    return None if same else f"the action {action.id} was not so then"
