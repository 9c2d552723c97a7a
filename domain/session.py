"""What one command sees of the log and adds to it: a unit of work on top of the batch that it shares.

The writer makes one `Batch` for each transaction and one `Session` for each command in it. A session that is refused is
dropped and leaves no trace; one that succeeds is merged, so that the next command in the batch sees what it did.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar
from uuid import UUID

from deedbook.domain import action as actions
from deedbook.domain import lane as lanes
from deedbook.domain import relationship as relationships
from deedbook.domain import saved_search as searches
from deedbook.domain.action import Action
from deedbook.domain.commands import Once
from deedbook.domain.events import ActionEvent, ActionRecorded, Event, LaneEvent, RelationshipEvent, SearchEvent
from deedbook.domain.keys import ApiKey
from deedbook.domain.lane import Lane
from deedbook.domain.output import OutputEnd, OutputLine
from deedbook.domain.relationship import Relationship
from deedbook.domain.saved_search import SavedSearch

State = TypeVar("State")
Happened = TypeVar("Happened", bound=Event)


class Remembered(NamedTuple):
    """What an idempotency key stands for: the digest of its request, its encoded result, its position."""

    request: bytes
    result: bytes
    position: int


class NewEvent(NamedTuple):
    """An event to be written: its aggregate, its version there, itself."""

    aggregate: UUID
    version: int
    event: Event


class Past(Protocol):
    """What the store tells a command about what was recorded before; read in the writer's transaction."""

    def events(self, aggregate: UUID, after: int = 0) -> Sequence[Event]:
        """Return the events of an aggregate behind a version, in order of version."""

    def begun(self, aggregates: Sequence[UUID]) -> Iterable[UUID]:
        """Return those that have events."""

    def output_end(self, action: UUID) -> OutputEnd:
        """Return how far the output of an action has come."""

    def remembered(self, once: Once) -> Remembered | None:
        """Return what an idempotency key stands for, None where it is new."""

    def api_key(self, key: UUID) -> ApiKey | None:
        """Return an API key by its id."""


class Known(NamedTuple):
    """The state of an aggregate (None: nothing happened yet) and its version.

    is_behind: more may have happened since, elsewhere.
    """

    state: object
    version: int
    is_behind: bool = False


class Batch:
    """What the commands of one transaction have added so far.

    `known` outlives the batch: the states of lanes, relationships and searches, which are small. Actions carry their
    bodies and are read again in each batch.
    """

    def __init__(self, past: Past, known: dict[UUID, Known], now: int, position: int) -> None:
        self.past = past
        self.now = now
        self.position = position
        self.known = known
        self.actions: dict[UUID, Known] = {}
        self.outputs: dict[UUID, OutputEnd] = {}
        self.events: list[NewEvent] = []
        self.lines: list[OutputLine] = []
        self.issued: list[ApiKey] = []
        self.revoked: set[UUID] = set()
        #: All that was above an object, by namespace and URI, as long as no relationship of the batch changed that.
        self.above: dict[tuple[str, str], tuple[str, ...]] = {}
        #: When API keys were used: the latest date of each.
        self.used: dict[UUID, int] = {}
        self.answers: dict[tuple[str, str], Remembered] = {}

    def look_up(self, actions: Sequence[UUID]) -> None:
        """Find out at once which of many actions are new: of them nothing will be asked any more."""
        for new in set(actions).difference(self.past.begun(actions), self.actions):
            self.actions[new] = Known(None, 0)

    def merge(self, session: "Session") -> int:
        """Take over what a session added; return the position of its last event, or of the last before it."""
        self.actions.update(session.actions)
        if session.known:
            self.known.update(session.known)
            self.above.clear()
        self.outputs.update(session.outputs)
        self.events += session.events
        self.lines += session.lines
        self.issued += session.issued
        self.revoked.update(session.revoked)
        for key, at in session.used.items():
            self.used[key] = max(at, self.used.get(key, at))
        return self.position + len(self.events)


class Session:
    """The unit of work of one command: reads through to its batch, keeps what it adds to itself."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.now = batch.now
        self.events: list[NewEvent] = []
        self.lines: list[OutputLine] = []
        self.issued: list[ApiKey] = []
        self.revoked: list[UUID] = []
        self.used: dict[UUID, int] = {}
        self.actions: dict[UUID, Known] = {}
        self.known: dict[UUID, Known] = {}
        self.outputs: dict[UUID, OutputEnd] = {}

    def action(self, aggregate: UUID) -> Action | None:
        """Return an action as it is now, None where there is none."""
        return self._get(self.actions, self.batch.actions, aggregate, _action_after)

    def is_begun(self, aggregate: UUID) -> bool:
        """Tell whether something was recorded under an id that was asked for as an action's."""
        return (self.actions.get(aggregate) or self.batch.actions[aggregate]).version > 0

    def lane(self, aggregate: UUID) -> Lane:
        """Return a lane as it is now; one where nothing happened yet is free."""
        return self._get(self.known, self.batch.known, aggregate, lanes.evolve) or Lane()

    def relationship(self, aggregate: UUID) -> Relationship:
        """Return what is directly above an object now."""
        return self._get(self.known, self.batch.known, aggregate, relationships.evolve) or Relationship()

    def above(self, namespace: str, uri: str) -> tuple[str, ...]:
        """Return all that is above an object now, nearest first; nothing above no object."""
        if not uri:
            return ()
        # What this session changed, it may be refused for later: then it must leave no trace.
        known = {} if self.known else self.batch.above
        found = known.get((namespace, uri))
        if found is None:
            found = known[namespace, uri] = relationships.above(uri, self.parents_of(namespace))
        return found

    def parents_of(self, namespace: str) -> relationships.ParentsOf:
        """Return what gives the objects directly above one now."""
        return lambda uri: self.relationship(relationships.relationship_id(namespace, uri)).parents

    def search(self, aggregate: UUID) -> SavedSearch:
        """Return what is kept under the name of a search now."""
        return self._get(self.known, self.batch.known, aggregate, searches.evolve) or SavedSearch()

    def api_key(self, key: UUID) -> ApiKey | None:
        """Return an API key that is not revoked, None where there is none."""
        found = self.batch.past.api_key(key)
        return None if found is None or found.revoked or key in self.batch.revoked else found

    def add_to_action(self, aggregate: UUID, *events: ActionEvent) -> Action:
        """Let `events` happen to an action, and return it."""
        before = self.action(aggregate)
        return self._add(self.actions, self.batch.actions, aggregate, before, events, actions.evolve)

    def begin_action(self, aggregate: UUID, event: ActionRecorded) -> Action:
        """Let an action with a new id begin: its past is not asked for, and the store refuses a version taken."""
        action = actions.evolve(None, aggregate, event)
        self.events.append(NewEvent(aggregate, 1, event))
        self.actions[aggregate] = Known(action, 1)
        return action

    def add_to_lane(self, aggregate: UUID, *events: LaneEvent) -> None:
        """Let `events` happen to a lane."""
        self._add(self.known, self.batch.known, aggregate, self.lane(aggregate), events, lanes.evolve)

    def add_to_relationship(self, aggregate: UUID, *events: RelationshipEvent) -> None:
        """Let `events` happen to what is above an object."""
        before = self.relationship(aggregate)
        self._add(self.known, self.batch.known, aggregate, before, events, relationships.evolve)

    def add_to_search(self, aggregate: UUID, *events: SearchEvent) -> None:
        """Let `events` happen to what is kept under a name."""
        self._add(self.known, self.batch.known, aggregate, self.search(aggregate), events, searches.evolve)

    def output_end(self, action: UUID) -> OutputEnd:
        """Return how far the output of an action has come, with what this batch added."""
        end = self.outputs.get(action) or self.batch.outputs.get(action)
        if end is None:
            end = self.batch.outputs[action] = self.batch.past.output_end(action)
        return end

    def add_lines(self, action: UUID, lines: Sequence[OutputLine]) -> None:
        """Add chained lines to an action's output."""
        self.lines.extend(lines)
        if lines:
            self.outputs[action] = OutputEnd(lines[-1].line, lines[-1].digest)

    def _get(
        self,
        mine: dict[UUID, Known],
        shared: dict[UUID, Known],
        aggregate: UUID,
        evolve: Callable[[State | None, UUID, Happened], State],
    ) -> State | None:
        known = mine.get(aggregate) or shared.get(aggregate)
        if known is None or known.is_behind:
            # Whoever asks names the evolve that a state was made with; ids tell the types of events apart.
            state: Any = known.state if known else None
            version = known.version if known else 0
            events: Sequence[Any] = self.batch.past.events(aggregate, version)
            for event in events:
                state = evolve(state, aggregate, event)
            known = shared[aggregate] = Known(state, version + len(events))
        return known.state  # type: ignore[return-value]  # as above

    def _add(
        self,
        mine: dict[UUID, Known],
        shared: dict[UUID, Known],
        aggregate: UUID,
        state: State | None,
        events: Iterable[Happened],
        evolve: Callable[[State | None, UUID, Happened], State],
    ) -> State:
        version = (mine.get(aggregate) or shared[aggregate]).version
        for event in events:
            version += 1
            state = evolve(state, aggregate, event)
            self.events.append(NewEvent(aggregate, version, event))
        mine[aggregate] = Known(state, version)
        return state  # type: ignore[return-value]  # at least one event happened


def _action_after(action: Action | None, aggregate: UUID, event: ActionEvent) -> Action | None:
    """As `actions.evolve`; what begins with anything else is no action: everything else has an id of its own too."""
    if action is None and not isinstance(event, ActionRecorded):
        return None
    return actions.evolve(action, aggregate, event)
