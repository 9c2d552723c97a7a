"""A batch is decided as if each of its commands came alone: nothing that is remembered for a batch is out of date."""

from hypothesis import given as for_all
from hypothesis import strategies as st

from deedbook.domain.commands import EndParent, StateParent
from deedbook.domain.events import ActionRecorded
from deedbook.domain.lifecycle import State
from deedbook.domain.results import Command
from tests.contract.engines import Store
from tests.contract.giving import BY, recording, together
from tests.support.shared import shared

_URIS = st.sampled_from(("/a/", "/b/", "/c/", "/d/"))


def stated(kind: type[StateParent | EndParent], namespace: str, parent: str, child: str) -> Command:
    """Return the command that a relationship begins, or ends."""
    return kind(namespace=namespace, parent=parent, child=child, by=BY)


_STEPS = st.lists(st.tuples(st.sampled_from((StateParent, EndParent, None)), _URIS, _URIS), min_size=1, max_size=25)


def commands(steps: list[tuple[type[StateParent | EndParent] | None, str, str]], namespace: str) -> list[Command]:
    """Return the same steps as commands in a namespace: recordings on an object, some stating what is above it."""
    return [
        stated(kind, namespace, one, other) if kind is not None
        else recording(State.SUCCESS, other, namespace=namespace, parents=() if one == other else (one,))
        if one < other else recording(State.SUCCESS, other, namespace=namespace)
        for kind, one, other in steps
    ]  # fmt: skip


@shared(50)
@for_all(steps=_STEPS)
def test_a_batch_is_decided_as_if_each_came_alone(
    store: Store, steps: list[tuple[type[StateParent | EndParent] | None, str, str]]
) -> None:
    """The same commands, together and one by one, are refused alike, and find the same objects above their own."""
    before = store.log.head()
    at_once = [type(one) for one in together(store, commands(steps, f"together-{before}"))]
    middle = store.log.head()
    alone = [type(one) for command in commands(steps, f"alone-{before}") for one in together(store, [command])]
    assert at_once == alone
    assert above(store, before, middle) == above(store, middle, store.log.head())


def above(store: Store, after: int, through: int) -> list[tuple[str, ...]]:
    """Return what was found above the objects of the actions that were recorded behind a position, up to another."""
    events = (one.event for one in store.log.read(after, through - after))
    return [event.parents for event in events if isinstance(event, ActionRecorded)]
