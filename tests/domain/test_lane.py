"""The Lane aggregate: what runs on an object, what waits, and who is next."""

from uuid import UUID, uuid4

from hypothesis import given as for_all
from hypothesis import strategies as st

from deedbook.domain.events import LaneEntered, LaneEvent, LaneLeft, LaneStarted
from deedbook.domain.lane import Lane, evolve, lane_id, leave

A, B, C, D = (UUID(int=number) for number in range(1, 5))
NOW = 5_000


def given(*events: LaneEvent) -> Lane:
    """Return the lane to which these events happened."""
    lane = Lane()
    for event in events:
        lane = evolve(lane, A, event)
    return lane


def entered(action: UUID, *, waiting: bool = False) -> LaneEntered:
    """Return the event that an action took its place."""
    return LaneEntered(at=1, namespace="acme", object="/a/", action=action, waiting=waiting)


def topics(lane: Lane, action: UUID) -> list[tuple[str, UUID]]:
    """Return what happens in a lane when an action ends there."""
    return [(type(event).__name__, event.action) for event in leave(lane, action, NOW)]


def test_a_lane_where_nothing_happened_is_free() -> None:
    """What asks to wait there starts at once."""
    assert Lane().is_free


def test_a_lane_is_taken_by_what_runs_and_by_what_waits() -> None:
    """It is free only when nothing runs and nothing that came earlier waits."""
    assert not given(entered(A)).is_free
    assert not given(entered(A), entered(B, waiting=True), LaneLeft(at=2, action=A)).is_free
    assert given(entered(A), LaneLeft(at=2, action=A)).is_free


def test_the_end_of_the_last_that_runs_starts_the_first_that_waits() -> None:
    """In order of arrival, and one only."""
    lane = given(entered(A), entered(B, waiting=True), entered(C, waiting=True))
    assert topics(lane, A) == [("LaneLeft", A), ("LaneStarted", B)]


def test_nothing_starts_while_anything_runs() -> None:
    """What was recorded running counts, whatever else does."""
    lane = given(entered(A), entered(B), entered(C, waiting=True))
    assert topics(lane, A) == [("LaneLeft", A)]
    assert topics(given(entered(A), entered(B), entered(C, waiting=True), LaneLeft(at=2, action=A)), B) == [
        ("LaneLeft", B), ("LaneStarted", C),
    ]  # fmt: skip


def test_what_is_canceled_while_it_waits_leaves_the_others_waiting() -> None:
    """It makes no room: what runs still runs."""
    lane = given(entered(A), entered(B, waiting=True), entered(C, waiting=True))
    assert topics(lane, B) == [("LaneLeft", B)]
    assert given(*_events(lane), *leave(lane, B, NOW)).waiting == (C,)


def _events(lane: Lane) -> list[LaneEvent]:
    return [*(entered(one) for one in lane.running), *(entered(one, waiting=True) for one in lane.waiting)]


def test_events_are_of_now() -> None:
    """What happens when an action ends happens then."""
    lane = given(entered(A), entered(B, waiting=True))
    assert {event.at for event in leave(lane, A, NOW)} == {NOW}


#: What may come: an action that runs at once, one that asks to wait, or the end of the n-th that is there.
STEPS = st.lists(st.one_of(st.sampled_from(["run", "wait"]), st.integers(0, 5)), max_size=30)


@for_all(steps=STEPS)
def test_whatever_comes_a_lane_keeps_its_order(steps: list[str | int]) -> None:
    """Any arrivals and ends: each that waits is started once, alone, in its turn, and none waits for nothing."""
    lane, arrived, started = Lane(), list[UUID](), list[UUID]()
    for step in steps:
        inside = (*lane.running, *lane.waiting)
        happened: list[LaneEvent] = []
        if isinstance(step, str):
            waits = step == "wait" and not lane.is_free
            happened = [entered(uuid4(), waiting=waits)]
            arrived += [happened[0].action] if waits else []
        elif inside:
            gone = inside[step % len(inside)]
            happened = [*leave(lane, gone, NOW)]
            arrived = [one for one in arrived if one != gone or gone in started]
        for event in happened:
            if isinstance(event, LaneStarted):
                assert not lane.running
                started.append(event.action)
            lane = evolve(lane, A, event)
        assert lane.running or not lane.waiting
    assert started == [one for one in arrived if one in started]
    assert started + list(lane.waiting) == arrived


@for_all(one=st.tuples(st.text(), st.text()), another=st.tuples(st.text(), st.text()))
def test_everyone_gives_a_lane_the_same_id(one: tuple[str, str], another: tuple[str, str]) -> None:
    """It follows from namespace and object alone, so that racing processes meet; no two share one."""
    one, another = (one[0].replace("\n", ""), one[1]), (another[0].replace("\n", ""), another[1])
    assert (lane_id(*one) == lane_id(*another)) == (one == another)
