"""What whoever gives commands may rely on: a refusal harms nobody else, a full queue says so, closing answers all."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from threading import Event, Thread
from time import sleep
from uuid import UUID, uuid4

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from deedbook.domain.audit_log import Order
from deedbook.domain.commands import ImportAction, IssueKey, Retry, SaveSearch, StateParent
from deedbook.domain.errors import ActionExists, CycleRefused, QueueFull, StoreClosed, UnknownAction
from deedbook.domain.lane import lane_id
from deedbook.domain.lifecycle import State
from deedbook.domain.relationship import relationship_id
from deedbook.domain.results import Answer, Command, Recorded
from deedbook.domain.saved_search import search_id
from tests.contract.elsewhere import in_threads
from tests.contract.engines import Place, Store
from tests.contract.giving import BY, NAMESPACE, append, cancel, finish, given, recorded, recording, together
from tests.support.shared import shared


@contextmanager
def held_up(store: Store) -> Iterator[None]:
    """Keep the writer of a store busy with delivering an answer, so that what is given meanwhile waits."""
    busy, go_on = Event(), Event()

    def deliver(_: Answer | Exception) -> None:
        busy.set()
        go_on.wait(60)

    store.audit_log.submit([Order(recording(), deliver)])
    busy.wait(60)
    try:
        yield
    finally:
        go_on.set()


@shared(30)
@for_all(good=st.lists(st.booleans(), min_size=1, max_size=12))
def test_a_refused_command_is_refused_alone(store: Store, good: list[bool]) -> None:
    """In a batch, every command that can be recorded is, in order, and every other is told why it is not."""
    before = store.log.head()
    commands = [recording() if one else finish(uuid4()) for one in good]
    outcomes = together(store, commands)
    assert [isinstance(one, Answer) for one in outcomes] == good
    assert all(isinstance(one, UnknownAction) for one, fine in zip(outcomes, good, strict=True) if not fine)
    recorded_ = [one.id for one, fine in zip(commands, good, strict=True) if fine]
    assert [one.aggregate for one in store.log.read(before, 100)] == recorded_
    positions = [one.position for one in outcomes if isinstance(one, Answer)]
    assert positions == list(range(before + 1, before + 1 + len(positions)))


@pytest.mark.parametrize("begun", ["lane", "relationship", "search"])
def test_what_is_no_action_is_not_taken_for_one(store: Store, begun: str) -> None:
    """Lanes, relationships and searches have ids too, which anybody can work out: there is no action with one."""
    uri = f"/{uuid4()}/"
    first: Mapping[str, tuple[Command, UUID]] = {
        "lane": (recording(State.IN_PROGRESS, uri), lane_id(NAMESPACE, uri)),
        "relationship": (
            StateParent(namespace=NAMESPACE, parent=f"{uri}up/", child=uri, by=BY),
            relationship_id(NAMESPACE, uri),
        ),
        "search": (SaveSearch(namespace=NAMESPACE, name=uri, query="", by=BY), search_id(NAMESPACE, uri)),
    }
    command, id_ = first[begun]
    store.audit_log.perform(command)
    head = store.log.head()
    retry = Retry(id=id_, namespace=NAMESPACE, by=BY, retry=uuid4())
    for outcome in together(store, [cancel(id_), finish(id_), retry, append(id_, "a line")]):
        assert isinstance(outcome, UnknownAction)
    with pytest.raises(ActionExists):
        store.audit_log.perform(ImportAction(
            id=id_, namespace=NAMESPACE, by=BY, action="Scale", method="POST", path="/", state=State.SUCCESS, created=1
        ))  # fmt: skip
    assert store.log.head() == head


def test_who_fails_to_take_an_answer_harms_nobody(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """Such as a future that was canceled: its command is recorded, the error is logged, and the writer goes on."""
    canceled: Future[Answer | Exception] = Future()
    canceled.cancel()
    command, other = recording(), recording()
    answered: Future[Answer | Exception] = Future()
    store.audit_log.submit([Order(command, canceled.set_result), Order(other, answered.set_result)])
    assert isinstance(answered.result(60), Answer)
    store.audit_log.perform(recording())
    assert all(store.log.history(one.id) for one in (command, other))
    assert any(entry.exc_info for entry in caplog.records)


def test_nothing_of_a_refused_command_is_recorded(store: Store) -> None:
    """A command that is refused half-way leaves no trace: neither the half that was possible, nor in what follows."""
    store.audit_log.perform(StateParent(namespace=NAMESPACE, parent="/top/", child="/middle/", by=BY))
    before = store.log.head()
    # That "/new/" is above "/top/" could be stated; that "/middle/" is, could not.
    refused, fine = together(store, [
        recording(State.IN_PROGRESS, "/top/", parents=("/new/", "/middle/")),
        recording(State.PENDING, "/top/"),
    ])  # fmt: skip
    assert isinstance(refused, CycleRefused)
    assert isinstance(fine, Answer)
    assert isinstance(fine.result, Recorded)
    assert fine.result.action.state is State.IN_PROGRESS, "the refused one was found in the lane"
    assert fine.result.action.recorded.parents == ()
    assert {one.event.TOPIC for one in store.log.read(before, 100)} == {"lane.entered/1", "action.recorded/1"}


def test_what_is_given_together_is_decided_in_order(store: Store) -> None:
    """Each command of a batch sees what those before it did."""
    first, second = recording(State.PENDING, "/a/"), recording(State.PENDING, "/a/")
    outcomes = together(store, [first, second, finish(second.id), finish(first.id), finish(second.id)])
    assert [isinstance(one, Answer) for one in outcomes] == [True, True, False, True, True]


def test_giving_nothing_stops_nothing(store: Store) -> None:
    """An empty batch is answered by nothing, and the writer goes on."""
    for _ in range(3):
        assert together(store, []) == []
        # Long enough for the writer to take it alone; were it too short, the test would only see less.
        sleep(0.05)
        (later,) = given(store, [recording()])
        assert isinstance(later.result(60), Answer)


TAKEN = UUID(int=4)


def issuing() -> IssueKey:
    """Return the command to issue a key whose secret is always the same."""
    return IssueKey(
        id=uuid4(), action=uuid4(), user="ann", namespace="acme", role="admin", secret_hash=b"the same", by=BY
    )


#: Commands that the store itself refuses, since nothing before it can know.
IMPOSSIBLE: dict[str, Callable[[], Command]] = {
    "an id that is taken": lambda: recording(id=TAKEN),
    "a secret that is taken": issuing,
    "text that no encoding has": lambda: recording(path="/\ud800"),
}


@pytest.mark.parametrize("what", sorted(IMPOSSIBLE))
def test_a_command_that_the_store_refuses_is_refused_alone(store: Store, what: str) -> None:
    """What fails only when it is written fails alone, never its batch, and nothing of it is recorded."""
    together(store, [recording(id=TAKEN), issuing()])
    head = store.log.head()
    before, refused, after = together(store, [recording(), IMPOSSIBLE[what](), recording()])
    assert isinstance(refused, Exception)
    assert isinstance(before, Answer)
    assert isinstance(after, Answer)
    assert store.log.head() == head + 2
    assert len(store.log.history(TAKEN)) == 1
    assert len(store.log.api_keys()) == 1


def test_all_are_answered(store: Store) -> None:
    """Whatever many threads give, alone or in batches, each is answered once, as what it was."""
    counted: list[int] = []

    def give(number: int) -> None:
        for size in range(1, 12):
            commands = [recording(path=f"/{number}/{size}/{at}") for at in range(size)]
            for command, outcome in zip(commands, together(store, commands), strict=True):
                assert isinstance(outcome, Answer)
                assert isinstance(outcome.result, Recorded)
                assert outcome.result.action.id == command.id
                counted.append(outcome.position)

    in_threads(6, give)
    assert sorted(counted) == list(range(1, 6 * 66 + 1))


def test_a_full_queue_says_so_at_once(place: Place) -> None:
    """With as many commands waiting as may, one more is refused at once, and those that wait are recorded."""
    store = place.open(queue=5)
    with held_up(store):
        waiting = [*given(store, [recording() for _ in range(3)]), *given(store, [recording() for _ in range(2)])]
        assert store.writer.queued == 5
        with pytest.raises(QueueFull):
            given(store, [recording()])
        assert not any(future.done() for future in waiting)
    assert [isinstance(future.result(60), Answer) for future in waiting] == [True] * 5
    assert isinstance(together(store, [recording()])[0], Answer)
    assert store.log.head() == 7
    store.close()


def test_a_batch_that_does_not_fit_is_refused_whole(place: Place) -> None:
    """Of commands that are given together all are taken or none; more than the queue holds fit where none wait."""
    store = place.open(queue=4)
    with held_up(store):
        waiting = given(store, [recording() for _ in range(3)])
        with pytest.raises(QueueFull):
            given(store, [recording() for _ in range(2)])
        last = given(store, [recording()])
    assert all(isinstance(future.result(60), Answer) for future in (*waiting, *last))
    assert len(together(store, [recording() for _ in range(9)])) == 9
    assert store.log.head() == 1 + 4 + 9
    store.close()


def test_closing_records_what_waits(place: Place, store: Store) -> None:
    """`close` takes nothing more, records and answers what waits, and returns when it is on disk."""
    with held_up(store):
        waiting = given(store, [recording() for _ in range(7)])
        closing = Thread(target=store.close)
        closing.start()
        while not _is_closed(store):
            sleep(0.01)
        assert closing.is_alive(), "closed before what waits was recorded"
    closing.join(60)
    assert not closing.is_alive()
    assert all(future.done() and isinstance(future.result(), Answer) for future in waiting)
    again = place.open()
    assert again.log.head() >= 1 + 7
    again.close()


def _is_closed(store: Store) -> bool:
    """Tell whether a store takes no more commands."""
    try:
        given(store, [finish(uuid4())])
    except StoreClosed:
        return True
    return False


def test_a_closed_store_takes_nothing(place: Place, store: Store) -> None:
    """After `close` every command is refused with `StoreClosed`, and nothing of it is recorded."""
    recorded(store, recording())
    store.close()
    with pytest.raises(StoreClosed):
        store.audit_log.perform(recording())
    again = place.open()
    assert again.log.head() == 1
    again.close()
