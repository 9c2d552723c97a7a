"""Two processes on one store: what each keeps in memory is never behind what the other recorded."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from deedbook.domain.commands import EndParent, StateParent
from deedbook.domain.errors import CycleRefused
from deedbook.domain.events import Event
from deedbook.domain.lifecycle import State
from deedbook.domain.results import Command, Recorded
from deedbook.domain.store.decoding import decoded
from deedbook.domain.store.sql import turn
from tests.contract.engines import ENGINES, Store
from tests.contract.giving import BY, NAMESPACE, cancel, finish, recorded, recording, together
from tests.support.shared import shared

OBJECTS = st.sampled_from(["/a/", "/b/", "/c/"])
STATES = st.sampled_from([State.PENDING, State.PENDING, State.IN_PROGRESS])

#: A command, still without its namespace and the id of the action that it is about.
STEPS = st.one_of(
    st.tuples(st.just("record"), STATES, OBJECTS, st.lists(OBJECTS, max_size=2, unique=True)),
    st.tuples(st.sampled_from(["finish", "cancel"]), st.integers(0, 5)),
    st.tuples(st.sampled_from(["state", "end"]), OBJECTS, OBJECTS),
)


def relate(parent: str, child: str, namespace: str = NAMESPACE) -> StateParent:
    """Return the command to put an object below another."""
    return StateParent(namespace=namespace, parent=parent, child=child, by=BY)


def test_a_lane_that_the_other_left_is_free(store: Store, other: Store) -> None:
    """One process fills a lane and remembers it, the other empties it: the first one's next action starts at once."""
    first = recorded(store, recording(State.PENDING, "/a/"))
    recorded(other, finish(first.id))
    assert recorded(store, recording(State.PENDING, "/a/")).state is State.IN_PROGRESS
    assert recorded(other, recording(State.PENDING, "/a/")).state is State.PENDING
    assert recorded(store, recording(State.PENDING, "/a/")).state is State.PENDING


def test_what_the_other_added_is_read_on_from_what_is_known(
    store: Store, other: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much has happened to a busy object, two who take turns on it read no more than what is new."""
    for _ in range(20):
        recorded(store, finish(recorded(store, recording(State.PENDING, "/busy/")).id))
    recorded(other, recording(State.PENDING, "/busy/"))
    read: list[int] = []

    def counted(position: int, topic: str, state: bytes) -> Event:
        read.append(position)
        return decoded(position, topic, state)

    monkeypatch.setattr(turn, "decoded", counted)
    recorded(store, recording(State.PENDING, "/busy/"))
    assert len(read) == 1
    recorded(other, recording(State.PENDING, "/busy/"))
    assert len(read) == 2


def test_a_relationship_that_the_other_stated_counts(store: Store, other: Store) -> None:
    """A cycle is refused although its other half was stated, or ended, elsewhere."""
    store.audit_log.perform(relate("/a/", "/b/"))
    other.audit_log.perform(relate("/b/", "/c/"))
    with pytest.raises(CycleRefused):
        store.audit_log.perform(relate("/c/", "/a/"))
    other.audit_log.perform(EndParent(namespace=NAMESPACE, parent="/a/", child="/b/", by=BY))
    store.audit_log.perform(relate("/c/", "/a/"))
    assert recorded(other, recording(uri="/b/")).recorded.parents == ()
    assert recorded(store, recording(uri="/a/")).recorded.parents == ("/c/", "/b/")


@pytest.fixture(scope="module", params=sorted(ENGINES))
def three(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, ...]]:
    """A store that is open twice, and another that is open once."""
    folders: list[Path] = [tmp_path_factory.mktemp(name) for name in ("shared", "alone")]
    shared_, alone = (ENGINES[request.param](folder) for folder in folders)
    stores = (shared_.open(), shared_.open(), alone.open())
    yield stores
    for store in stores:
        store.close()


class Teller:
    """Gives steps as commands in a namespace of its own, and tells what each came to."""

    def __init__(self) -> None:
        self.namespace = str(uuid4())
        self.actions: list[UUID] = []

    def command(self, step: tuple[object, ...]) -> Command:
        """Return the command that a step is."""
        what, *how = step
        if what == "record":
            state, uri, parents = how
            command = recording(State(str(state)), str(uri), parents=tuple(parents), namespace=self.namespace)  # type: ignore[arg-type]  # strategies have no type
            self.actions.append(command.id)
            return command
        if what in ("state", "end"):
            kind = StateParent if what == "state" else EndParent
            return kind(namespace=self.namespace, parent=str(how[0]), child=str(how[1]), by=BY)
        number = how[0]
        assert isinstance(number, int)
        action = self.actions[number % len(self.actions)] if self.actions else UUID(int=0)
        made = finish(action) if what == "finish" else cancel(action)
        return type(made)(**{**{name: getattr(made, name) for name in made.__struct_fields__}, "namespace": None})

    def tell(self, store: Store, step: tuple[object, ...]) -> object:
        """Give a step, and return what can be compared."""
        (outcome,) = together(store, [self.command(step)])
        if isinstance(outcome, Exception):
            return type(outcome)
        if isinstance(outcome.result, Recorded):
            return outcome.result.action.state, outcome.result.action.recorded.parents
        return type(outcome.result)


@shared(80)
@for_all(steps=st.lists(st.tuples(st.integers(0, 1), STEPS), max_size=25))
def test_two_processes_find_what_one_would(
    three: tuple[Store, ...], steps: list[tuple[int, tuple[object, ...]]]
) -> None:
    """Commands given by turns to two processes come to what they come to when one process is given them all."""
    both, one = Teller(), Teller()
    for which, step in steps:
        assert both.tell(three[which], step) == one.tell(three[2], step)
