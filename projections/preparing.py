"""Makes of events what the tables get: pure, and most of what a fold costs (`prepared.py`)."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from deedbook.domain.action import Action, live
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
from deedbook.domain.lifecycle import FINAL, State
from deedbook.domain.log import Happened
from deedbook.projections import milestones
from deedbook.projections.past import Left
from deedbook.projections.prepared import CANCEL, RETRY, Begun, Change, Kept, Life, Move, Part, Prepared, Relation, Term
from deedbook.projections.resource import encode, is_long, resource_of
from deedbook.projections.terms import FIELDS


def prepare(happened: Sequence[Happened]) -> Prepared:
    """Prepare events, at least one, that follow each other without a gap."""
    last = happened[-1]
    return Prepared(
        last.position,
        last.recorded,
        Counter(one.event.TOPIC for one in happened),
        [one.leaf for one in happened],
        [_Preparing().part(part) for part in milestones.split(happened)],
    )


class _Young(Life, gc=False):
    """An action that begins in the part: `terms` are places, the last one that of its state."""

    action: UUID
    recorded: ActionRecorded
    terms: list[int]


class _Preparing:
    """One part on its way."""

    def __init__(self) -> None:
        #: By namespace: for each field, in order, the place of each value.
        self._places: dict[str, list[dict[str, int]]] = {}
        self._terms: list[Term] = []
        self._young: dict[bytes, _Young] = {}
        self._left: list[Left] = []
        self._moves: list[Move] = []
        self._relations: list[Relation] = []
        self._searches: list[Kept] = []

    def part(self, happened: Sequence[Happened]) -> Part:
        """Prepare the part."""
        for one in happened:
            _TAKEN[type(one.event)](self, one)
        begun = _begun(self._young)
        totals = Counter(begun.terms)
        del totals[0]
        return Part(
            happened[-1].position, self._terms, totals, begun, self._left, self._moves, self._relations, self._searches
        )

    def begin(self, happened: Happened) -> None:
        """An action is recorded."""
        event = happened.event
        assert isinstance(event, ActionRecorded)  # noqa: S101  # `_TAKEN` says so
        position = happened.position
        known = self._known(event.namespace)
        values = (
            "", event.object or None, event.user, event.action, event.method, event.ip,
            event.user_agent, "true" if event.is_user_action else "false", event.state,
        )  # fmt: skip
        terms = [
            0 if value is None else known[place].get(value) or self._add(position, event.namespace, place, value)
            for place, value in enumerate(values)
        ]
        start = event.start
        self._young[happened.aggregate.bytes] = _Young(
            position, event.state, event.created if start is None else start, start, event.end, position, position,
            happened.aggregate, event, terms,
        )  # fmt: skip

    def move(self, happened: Happened) -> None:
        """An action goes on."""
        position, action = happened.position, happened.aggregate.bytes
        change = Change(*live(State.PENDING, None, None, happened.event))  # type: ignore[arg-type]  # as `_TAKEN` says
        young = self._young.get(action)
        if young is None:
            self._moves.append(Move(position, action, change))
            return
        self._left.append(young.move(position, change, young.terms[-1]))
        young.terms[-1] = self._place(position, young.recorded.namespace, _STATE, young.state)

    def relate(self, happened: Happened) -> None:
        """A relationship begins, or ends: then its objects have their terms."""
        position, event = happened.position, happened.event
        assert isinstance(event, ParentStated | ParentEnded)  # noqa: S101  # `_TAKEN` says so
        is_over = isinstance(event, ParentEnded)
        if not is_over:
            self._place(position, event.namespace, _OBJECT, event.child)
            self._place(position, event.namespace, _OBJECT, event.parent)
        self._relations.append(Relation(position, event.namespace, event.child, event.parent, event.at, is_over))

    def keep(self, happened: Happened) -> None:
        """A search is saved, or deleted."""
        event = happened.event
        assert isinstance(event, SearchSaved | SearchDeleted)  # noqa: S101  # `_TAKEN` says so
        query = event.query if isinstance(event, SearchSaved) else None
        self._searches.append(Kept(event.namespace, event.name, query, event.by.user, event.at))

    def skip(self, happened: Happened) -> None:
        """What changes nothing in any view."""

    def _known(self, namespace: str) -> list[dict[str, int]]:
        known = self._places.get(namespace)
        if known is None:
            known = self._places[namespace] = [{} for _ in FIELDS]
        return known

    def _place(self, position: int, namespace: str, place: int, value: str) -> int:
        return self._known(namespace)[place].get(value) or self._add(position, namespace, place, value)

    def _add(self, position: int, namespace: str, place: int, value: str) -> int:
        self._terms.append(Term(position, namespace, FIELDS[place], value))
        number = self._known(namespace)[place][value] = len(self._terms)
        return number


_OBJECT, _STATE = FIELDS.index("object"), FIELDS.index("state")

_TAKEN: Mapping[type[Event], Callable[[_Preparing, Happened], None]] = {
    ActionRecorded: _Preparing.begin,
    **dict.fromkeys((ActionStarted, CancelRequested, ActionEnded), _Preparing.move),
    **dict.fromkeys((ParentStated, ParentEnded), _Preparing.relate),
    **dict.fromkeys((SearchSaved, SearchDeleted), _Preparing.keep),
    # A retried action stays as it ended, and the retry has an event of its own; lanes say nothing that actions don't.
    **dict.fromkeys((ActionRetried, LaneEntered, LaneStarted, LaneLeft), _Preparing.skip),
}


def _begun(young: Mapping[bytes, _Young]) -> Begun:
    lives = young.values()
    return Begun(
        [life.id for life in lives],
        list(young),
        [place for life in lives for place in life.terms],
        [life.sort for life in lives],
        [life.start for life in lives],
        [life.end for life in lives],
        [CANCEL * life.recorded.can_be_canceled + RETRY * life.recorded.can_be_retried for life in lives],
        [life.changed for life in lives],
        [life.sorted for life in lives],
        [_document(life) for life in lives],
        [(life.id, body) for life in lives if (body := life.recorded.body) is not None and is_long(body)],
        [(life.id, old.bytes) for life in lives if (old := life.recorded.retry_of) is not None],
        [index for index, life in enumerate(lives) if life.state not in FINAL],
    )


def _document(life: _Young) -> bytes:
    """Return the JSON of an action, as lists have it."""
    resource = resource_of(Action(life.action, life.recorded, life.state, life.start, life.end))
    if resource.body is not None and is_long(resource.body):
        resource.body = None
    return encode(resource)
