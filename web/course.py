"""The log in order, each event with what it is about: an action, before and after it, or two objects.

Made from the log alone, so that telling an event never waits for a view.
"""

from collections import OrderedDict
from collections.abc import Sequence
from functools import cached_property
from typing import TypeVar
from uuid import UUID, uuid5

from msgspec.structs import replace

from deedbook.domain import relationship as relationships
from deedbook.domain.action import Action, evolve
from deedbook.domain.errors import Undecodable
from deedbook.domain.events import ActionEvent, ParentEnded, RelationshipEvent
from deedbook.domain.lifecycle import FINAL
from deedbook.domain.log import EventLog, Happened
from deedbook.projections.resource import LISTED_BODY, uri_of

#: So many open actions, and so many objects, are remembered unless said otherwise: their next event needs no look into
#: the log.
REMEMBERED = 10_000

Known = TypeVar("Known")


class ActionStep:
    """A change of an action's life: the action `before` it, None for the first, and `after` it."""

    type = "action"

    def __init__(self, happened: Happened, event: ActionEvent, before: Action | None) -> None:
        self.happened = happened
        self.event = event
        self.before = before
        self.after = _evolved(before, happened, event)
        self.namespace = self.after.recorded.namespace
        self.object = self.after.recorded.object
        self.resource_uri = uri_of(happened.aggregate)

    @property
    def parents(self) -> Sequence[str]:
        """The object and all above it when the action was recorded, nearest first; nothing without an object."""
        return (self.object, *self.after.recorded.parents) if self.object else ()


class RelationshipStep:
    """A relationship that begins or ends here."""

    type = "relationship"
    resource_uri = None

    def __init__(self, happened: Happened, event: RelationshipEvent, above: "Above") -> None:
        self.happened = happened
        self.event = event
        self.namespace = event.namespace
        self.object = event.child
        self._above = above

    @cached_property
    def parents(self) -> Sequence[str]:
        """The child and all above it, nearest first: with this relationship, also where it ends here.

        To be asked for before the next step is made.
        """
        return (self.object, *self._above.of(self.happened, self.event))


Step = ActionStep | RelationshipStep


class Course:
    """Goes through a part of the log in order, without a gap, and remembers as it goes."""

    def __init__(self, log: EventLog, remembered: int = REMEMBERED) -> None:
        self._log = log
        self._remembered = remembered
        self._actions: OrderedDict[UUID, Action] = OrderedDict()
        self._above = Above(log, remembered)

    def step(self, happened: Happened) -> Step | None:
        """Return the next event with what it is about; None where it is bookkeeping, of which nobody is told.

        Raises `Undecodable` where an earlier event of the same action can't be read, or where this one does not follow
        from them: a log that somebody wrote into.
        """
        event = happened.event
        if isinstance(event, ActionEvent):
            step = ActionStep(happened, event, self._before(happened))
            self._go_on(step.after)
            return step
        if isinstance(event, RelationshipEvent):
            self._above.take_in(happened, event)
            return RelationshipStep(happened, event, self._above)
        return None

    def _go_on(self, action: Action) -> None:
        if action.state in FINAL:
            self._actions.pop(action.id, None)
        else:
            _remember(self._actions, action.id, _without_long_body(action), self._remembered)

    def _before(self, happened: Happened) -> Action | None:
        known = self._actions.get(happened.aggregate)
        if known is not None or happened.version == 1:
            return known
        action: Action | None = None
        # Only what came before: a later event that can't be read is no reason not to tell this one.
        for earlier in self._log.history(happened.aggregate, limit=happened.version - 1):
            if isinstance(earlier.event, ActionEvent):
                action = _evolved(action, earlier, earlier.event)
        return action


class Above:
    """What is above an object, as the relationships stood at the last event that was taken in."""

    def __init__(self, log: EventLog, remembered: int) -> None:
        self._log = log
        self._remembered = remembered
        self._parents: OrderedDict[UUID, tuple[str, ...]] = OrderedDict()

    def take_in(self, happened: Happened, event: RelationshipEvent) -> None:
        """Go on to an event; of what nobody asked for yet nothing is remembered."""
        known = self._parents.get(happened.aggregate)
        if known is not None:
            relationship = relationships.Relationship(known)
            after = relationships.evolve(relationship, happened.aggregate, event)
            _remember(self._parents, happened.aggregate, after.parents, self._remembered)

    def of(self, happened: Happened, event: RelationshipEvent) -> tuple[str, ...]:
        """Return all that is above the child of the event that was taken in last, nearest first, and its parent."""

        def parents_of(uri: str) -> tuple[str, ...]:
            parents = self._directly(event.namespace, uri, happened.position)
            return (*parents, event.parent) if uri == event.child and isinstance(event, ParentEnded) else parents

        return relationships.above(event.child, parents_of)

    def _directly(self, namespace: str, uri: str, position: int) -> tuple[str, ...]:
        aggregate = relationships.relationship_id(namespace, uri)
        known = self._parents.get(aggregate)
        if known is None:
            relationship = relationships.Relationship()
            for earlier in self._log.history(aggregate):
                if earlier.position <= position and isinstance(earlier.event, RelationshipEvent):
                    relationship = relationships.evolve(relationship, aggregate, earlier.event)
            known = relationship.parents
        _remember(self._parents, aggregate, known, self._remembered)
        return known


def _evolved(before: Action | None, happened: Happened, event: ActionEvent) -> Action:
    try:
        return evolve(before, happened.aggregate, event)
    except TypeError as error:
        raise Undecodable(happened.position, f"it does not follow from what came before ({error})") from error


def id_of(happened: Happened) -> str:
    """Return the id of an event: the same one, whenever and by whomever it is told."""
    return str(uuid5(happened.aggregate, str(happened.version)))


def _without_long_body(action: Action) -> Action:
    """Return what is worth remembering of an action: a long body is told of nowhere here, and thousands are much."""
    body = action.recorded.body
    if body is None or len(body) <= LISTED_BODY:
        return action
    return replace(action, recorded=replace(action.recorded, body=None))


def _remember(known: OrderedDict[UUID, Known], aggregate: UUID, value: Known, most: int) -> None:
    known[aggregate] = value
    known.move_to_end(aggregate)
    if len(known) > most:
        known.popitem(last=False)
