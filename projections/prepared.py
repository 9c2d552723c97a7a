"""What a batch of events comes to before any table is looked at; `preparing.py` makes it.

A batch is cut into parts, each of which ends at a milestone at the latest. An action that begins in a part has gone
through all that happens to it there. Changes of actions from before, and relationships, are told in order, for who has
the tables.

Terms have no number yet: a part has a list of its own, and its rows say the places in it, from 1 on; 0 is no term.

All of it is plain data, so that one process can make what another one writes (`ahead.py`).
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from msgspec import Struct

from deedbook.domain.lifecycle import State
from deedbook.projections.past import Left

#: The bits of `permits`: what the recorder did not forbid.
CANCEL, RETRY = 1, 2


class Term(NamedTuple):
    """A value that a part names, and the position of the first of its events to do so."""

    position: int
    namespace: str
    field: str
    value: str


class Begun(NamedTuple):
    """The actions that begin in a part, a column for each of the table's, and how they stand at the part's end.

    terms: for all fields of one action, then of the next; open: the indexes of those that may still move; bodies: the
    long ones, each behind its action's id; retries: the bytes of the UUIDs of what is retried, in the same way.
    """

    ids: Sequence[int]
    uuids: Sequence[bytes]
    terms: Sequence[int]
    sorts: Sequence[int]
    starts: Sequence[int | None]
    ends: Sequence[int | None]
    permits: Sequence[int]
    changed: Sequence[int]
    sorted: Sequence[int]
    documents: Sequence[bytes]
    bodies: Sequence[tuple[int, str]]
    retries: Sequence[tuple[int, bytes]]
    open: Sequence[int]


class Change(NamedTuple):
    """What an event makes of an action: its state, and start or end, where it gives one."""

    state: State
    start: int | None
    end: int | None


class Move(NamedTuple):
    """An event that changes an action from before; `action` has the bytes of its UUID."""

    position: int
    action: bytes
    change: Change


class Relation(NamedTuple):
    """A relationship that begins or ends, and when, in microseconds since the epoch."""

    position: int
    namespace: str
    child: str
    parent: str
    at: int
    is_over: bool


class Kept(NamedTuple):
    """A search that is kept under a name from now on, or, with no query, none; by whom, and when in microseconds."""

    namespace: str
    name: str
    query: str | None
    user: str | None
    at: int


class Part(NamedTuple):
    """What is written together.

    position: of its last event; terms: those that it names, in the order in which it does so; totals: how many actions
    each of them gains by those that begin. left: what these left, with places for states.
    """

    position: int
    terms: Sequence[Term]
    totals: Mapping[int, int]
    begun: Begun
    left: Sequence[Left]
    moves: Sequence[Move]
    relations: Sequence[Relation]
    searches: Sequence[Kept]


class Prepared(NamedTuple):
    """A batch, ready to be written: so many events of each topic; `position` and `recorded` are those of the last."""

    position: int
    recorded: int
    topics: Mapping[str, int]
    leaves: Sequence[bytes]
    parts: Sequence[Part]


class Life(Struct, gc=False):
    """What moves of an action: `changed` and `sorted` are positions, as the table has them; dates are microseconds."""

    id: int
    state: State
    sort: int
    start: int | None
    end: int | None
    changed: int
    sorted: int

    def move(self, position: int, change: Change, state: int) -> Left:
        """Go on to where an event brings it; return what it has left, `state` standing for the state that it was in."""
        span = (position - self.changed).bit_length()
        left = Left(position, self.id, self.changed, state, span, self.sort, self.start, self.end)
        self.state, start, end = change
        self.changed = position
        if start is not None:
            self.start = self.sort = start
            self.sorted = position
        if end is not None:
            self.end = end
        return left
