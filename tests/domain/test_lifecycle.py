"""The states of an action and the table of what leads where, against the specification's own words."""

from itertools import pairwise, product

import pytest

from deedbook.domain.lifecycle import FINAL, ON_CANCEL, RUNNING, TRANSITIONS, State, allows, steps

#: Every transition that the specification allows; None is "not yet recorded".
ALLOWED = {
    (None, "Success"), (None, "Failed"), (None, "In progress"), (None, "Pending"),
    ("Pending", "In progress"), ("Pending", "Canceled"),
    ("In progress", "Success"), ("In progress", "Failed"), ("In progress", "Canceling"),
    ("Canceling", "Canceled"), ("Canceling", "Success"), ("Canceling", "Failed"),
}  # fmt: skip


def test_the_states_are_spelled_as_on_the_wire() -> None:
    """There are six, and a state is the string that clients compare with."""
    assert [str(state) for state in State] == ["Pending", "In progress", "Canceling", "Canceled", "Success", "Failed"]


@pytest.mark.parametrize(("before", "after"), list(product((None, *State), State)))
def test_every_pair_of_states(before: State | None, after: State) -> None:
    """A transition is allowed exactly where the specification has it."""
    assert allows(before, after) == ((before, after) in ALLOWED)


def test_the_table_has_a_line_for_every_state() -> None:
    """What can follow is said of every state, and of none."""
    assert TRANSITIONS.keys() == {None, *State}


def test_what_is_derived_from_the_table() -> None:
    """Final is what nothing leads out of, running what occupies an object; neither is what waits."""
    assert set(FINAL) == {"Success", "Failed", "Canceled"}
    assert set(RUNNING) == {"In progress", "Canceling"}
    assert dict(ON_CANCEL) == {"Pending": "Canceled", "In progress": "Canceling"}
    assert all(allows(before, after) for before, after in ON_CANCEL.items())


def naive_distances(start: State) -> dict[State, int]:
    """Return how many transitions each state is away: relaxed until nothing changes."""
    distance = {start: 0}
    while True:
        nearer = {
            State(after): distance[State(before)] + 1
            for before, after in ALLOWED
            if before in distance and distance.get(State(after), 9) > distance[State(before)] + 1
        }
        if not nearer:
            return distance
        distance.update(nearer)


@pytest.mark.parametrize(("before", "after"), list(product(State, State)))
def test_the_steps_between_two_states_are_the_shortest_way(before: State, after: State) -> None:
    """`steps` is a way through the table, as short as any; None where there is none, and empty where none is needed."""
    way = steps(before, after)
    assert (None if way is None else len(way)) == naive_distances(before).get(after)
    assert all(allows(one, another) for one, another in pairwise((before, *(way or ()))))
    assert not way or way[-1] is after
