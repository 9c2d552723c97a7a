"""Output: each line's number and running digest, and what the event says that ended its action."""

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from uuid import UUID

from deedbook.domain.finding import Finding
from deedbook.domain.lifecycle import FINAL, State
from deedbook.domain.output import OutputEnd, digest_of
from deedbook.domain.store.verify.replay import Replay
from deedbook.domain.store.verify.snapshot import Snapshot, StoredLine


def output(store: Snapshot, replay: Replay) -> Iterator[Finding]:
    """Check all output of a store against its events."""
    left = dict.fromkeys(replay.closed)
    for action, lines in groupby(store.lines(), key=itemgetter(0)):
        left.pop(action, None)
        if action not in replay.unknown:
            faults, end = [], OutputEnd()
            for line in lines:
                faults += _line(line, end)
                end = OutputEnd(line.line, line.digest)
            yield from _told(store, action, faults + _end(replay, action, end))
    for action in left:
        yield from _told(store, action, _end(replay, action, OutputEnd()))
    for first, last in store.missing_sequences():
        yield Finding(None, "output", f"sequences {first} to {last} of all output are missing")


def _line(line: StoredLine, before: OutputEnd) -> list[str]:
    faults = []
    if line.line != before.lines + 1:
        faults.append(f"line {before.lines + 1} is missing")
    if not _fits(line, before.digest):
        faults.append(f"the digest of line {line.line} does not fit: it was changed, or what was before it")
    return faults


def _fits(line: StoredLine, before: bytes) -> bool:
    try:
        return line.digest == digest_of(before, line.timestamp, line.text)
    except UnicodeEncodeError:
        return False


def _end(replay: Replay, action: bytes, end: OutputEnd) -> list[str]:
    life = replay.actions.get(action)
    if life is None:
        return ["it is of no action that was recorded"]
    if life.state in FINAL:
        told = replay.end_of_output(action)
        if end.lines != told.lines:
            return [f"there are {end.lines} lines, and it ended with {told.lines}"]
        return [] if end.digest == told.digest else ["its last digest is not the one with which it ended"]
    if end.lines < life.lines:
        return [f"there are {end.lines} lines, and it came with {life.lines}"]
    if life.state is State.PENDING and end.lines > life.lines:
        return ["it waits, and has written lines"]
    return []


def _told(store: Snapshot, action: bytes, faults: list[str]) -> Iterator[Finding]:
    """Return faults of an action's output, at the position of its last event."""
    if faults:
        history = store.history(action)
        position = history[-1].position if history else None
        name = UUID(bytes=action) if len(action) == 16 else action.hex()  # noqa: PLR2004  # bytes of a UUID
        for fault in faults:
            yield Finding(position, "output", f"output of {name}: {fault}")
