"""Re-derives everything that a store holds, from the events alone, and says what is not as it must be.

`verify` reads a snapshot from position 1: each row is checked (`rows.py`), then its event against all that was before
it (`lifecycle.py`, `lanes.py`, `relationships.py`, `retries.py`, `searches.py`), in the order of the tables here; then
what is kept beside the events (`output.py`, `answers.py`, `keys.py`). It changes nothing.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from deedbook.domain.errors import StoreFailed
from deedbook.domain.events import (
    ActionEnded,
    ActionRecorded,
    ActionRetried,
    ActionStarted,
    CancelRequested,
    Event,
    LaneEntered,
    LaneLeft,
    LaneStarted,
    ParentEnded,
    ParentStated,
    SearchDeleted,
    SearchSaved,
)
from deedbook.domain.finding import Finding, Found, Progress
from deedbook.domain.merkle import Frontier, TreeHead, grow
from deedbook.domain.store.verify import lanes, lifecycle, relationships, retries, rows, searches
from deedbook.domain.store.verify.answers import answers
from deedbook.domain.store.verify.keys import keys
from deedbook.domain.store.verify.output import output
from deedbook.domain.store.verify.replay import Replay, Seen
from deedbook.domain.store.verify.snapshot import Snapshot

#: Events read at once.
_PAGE = 5000

#: Before any position that a row can have.
_FIRST = -(2**63)

#: What finds a fault in an event, by what was before it: a sentence, or None. Any: it takes the event it stands under.
Check = Callable[[Replay, Seen, Any], str | None]

#: Each check of an event, under the code of what it finds.
CHECKS: Mapping[type[Event], Sequence[tuple[str, Check]]] = {
    ActionRecorded: (
        ("transition", lifecycle.begins),
        ("date", lifecycle.is_dated),
        ("lane", lanes.takes_its_lane),
        ("parents", relationships.has_its_parents),
        ("retry", retries.is_linked),
    ),
    ActionStarted: (
        ("transition", lifecycle.moves),
        ("date", lifecycle.is_dated),
        ("lane", lanes.starts_after),
    ),
    CancelRequested: (
        ("transition", lifecycle.moves),
        ("transition", lifecycle.is_permitted),
        ("date", lifecycle.is_dated),
    ),
    ActionEnded: (
        ("transition", lifecycle.moves),
        ("transition", lifecycle.is_permitted),
        ("date", lifecycle.is_dated),
    ),
    ActionRetried: (("transition", lifecycle.is_retried), ("date", lifecycle.is_dated)),
    LaneEntered: (("lane", lanes.is_entered), ("date", lifecycle.is_dated)),
    LaneStarted: (("lane", lanes.starts), ("date", lifecycle.is_dated)),
    LaneLeft: (("lane", lanes.leaves), ("date", lifecycle.is_dated)),
    ParentStated: (
        ("relationship", relationships.holds),
        ("cycle", relationships.closes_no_cycle),
        ("date", lifecycle.is_dated),
    ),
    ParentEnded: (("relationship", relationships.holds), ("date", lifecycle.is_dated)),
    SearchSaved: (("search", searches.is_kept), ("date", lifecycle.is_dated)),
    SearchDeleted: (("search", searches.is_kept), ("date", lifecycle.is_dated)),
}

#: What is checked behind the events.
BESIDE: Sequence[tuple[str, Callable[[Snapshot, Replay], Iterator[Finding]]]] = (
    ("output", output),
    ("answers", answers),
    ("keys", keys),
)


class Checked(NamedTuple):
    """What was checked: so many events and lines of output, and the head worked out from the events."""

    events: int
    lines: int
    head: TreeHead


def verify(
    store: Snapshot,
    noted: TreeHead | None,
    found: Found,
    progress: Callable[[Progress], None] = lambda _: None,
) -> Checked:
    """Check a whole store, telling each finding to `found`; `noted` is a head that was noted elsewhere.

    A database that can't be read to its end is a finding, and what lies behind is then not checked.
    """
    check = _Check(store, noted, found, progress)
    lines = 0
    try:
        for fault in store.faults():
            found(fault)
        check.events()
        lines = store.line_count()
        for what, beside in BESIDE:
            progress(Progress(what, 0, 1))
            for finding in beside(store, check.replay):
                found(finding)
    except StoreFailed as error:
        found(Finding(None, "file", str(error)))
    return Checked(check.frontier.size, lines, check.frontier.head)


class _Check:
    """The check of the events, in one pass."""

    def __init__(
        self, store: Snapshot, noted: TreeHead | None, found: Found, progress: Callable[[Progress], None]
    ) -> None:
        self._store = store
        self._noted = noted
        self._found = found
        self._progress = progress
        self.replay = Replay()
        self.frontier = Frontier()

    def events(self) -> None:
        """Check every event, and what they come to."""
        after, last = _FIRST, self._store.head()
        if self._noted is not None and self._noted.size == 0:
            self._compare(self._noted)
        while page := self._store.stored(after, _PAGE):
            read = [rows.seen(row) for row in page]
            for seen in read:
                self._event(seen)
            self._grow([seen.proof or seen.leaf for seen in read])
            after = page[-1].position
            self._progress(Progress("events", after, last))
        self._end()

    def _event(self, seen: Seen) -> None:
        replay, event = self.replay, seen.event
        if not rows.is_whole(replay, seen):
            for code, check in rows.CHECKS.items():
                fault = check(replay, seen)
                if fault is not None:
                    self._found(Finding(seen.position, code, fault))
            replay.is_torn |= seen.position != replay.position + 1
        if event is not None and seen.aggregate not in replay.unknown:
            due = lanes.is_due(replay, seen, event)
            if due is not None:
                self._found(due)
            for code, examine in CHECKS[type(event)]:
                fault = examine(replay, seen, event)
                if fault is not None:
                    self._found(Finding(seen.position, code, fault))
        replay.take(seen)

    def _grow(self, leaves: Sequence[bytes]) -> None:
        """Take leaves into the tree, stopping at the noted size to compare."""
        noted, before = self._noted, self.frontier.size
        if noted is not None and before < noted.size <= before + len(leaves):
            self.frontier = grow(self.frontier, leaves[: noted.size - before])
            self._compare(noted)
            leaves = leaves[noted.size - before :]
        self.frontier = grow(self.frontier, leaves)

    def _compare(self, noted: TreeHead) -> None:
        if self.frontier.root != noted.root:
            what = f"the root over the first {noted.size} events is {self.frontier.root.hex()}, and another was noted"
            self._found(Finding(noted.size or None, "head", what))

    def _end(self) -> None:
        replay, noted = self.replay, self._noted
        if noted is not None and noted.size > self.frontier.size:
            what = f"the log has {self.frontier.size} events, and had {noted.size} when its head was noted: it was cut"
            self._found(Finding(replay.position or None, "tail", what))
        if replay.owed is not None:
            what = f"the log ends between events that were recorded together: {replay.owed.kinds[0].TOPIC} is gone"
            self._found(Finding(replay.position, "tail", what))
        for fault in lanes.agree(replay):
            self._found(Finding(None, "lane", fault))
