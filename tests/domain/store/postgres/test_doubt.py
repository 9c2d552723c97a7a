"""A connection that dies at whatever moment: each caller hears what is true, and nothing is recorded twice."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import count
from threading import Thread
from uuid import uuid4

import pytest
from eventsourcing.persistence import OperationalError

from deedbook.domain.commands import IssueKey, RevokeKey
from deedbook.domain.errors import StoreFailed, Unavailable, Unsettled
from deedbook.domain.finding import Finding
from deedbook.domain.lifecycle import State
from deedbook.domain.log import Happened
from deedbook.domain.results import Answer, Appended, Command
from deedbook.domain.store import writer
from deedbook.domain.store.postgres import PostgresStore
from deedbook.domain.store.postgres.place import postgres_place
from deedbook.domain.store.postgres.reading import CONNECTIONS
from deedbook.domain.store.verify import verify
from deedbook.domain.store.writer import Doubtful
from tests.contract.elsewhere import events
from tests.contract.giving import BY, append, given, once, recorded, recording, together
from tests.support.postgres import Proxy, Server, proxied, until


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    """What stands between a node and its database."""
    with proxied(server) as proxy:
        yield proxy


@pytest.fixture
def near(url: str) -> Iterator[PostgresStore]:
    """A node with nothing in between: what it reads is so."""
    with closing(postgres_place(url).open()) as store:
        yield store


@pytest.fixture
def far(url: str, proxy: Proxy, near: PostgresStore) -> Iterator[PostgresStore]:
    """The same store by way of the proxy, with its session for writing open."""
    assert near.log.head() == 0
    with closing(postgres_place(proxy.url(url)).open()) as store:
        store.audit_log.perform(recording())
        yield store


def the_first(is_it: Callable[[bytes], bool]) -> Callable[[bytes], bool]:
    """Return what is true of the first that is it, and of no other."""
    found = count()
    return lambda data: is_it(data) and next(found) == 0


def is_commit(data: bytes) -> bool:
    """Tell whether a client says that it commits."""
    # Not the COMMITTED of the isolation level.
    return b"COMMIT\x00" in data


def cut(proxy: Proxy, when: str, is_it: Callable[[bytes], bool] = is_commit) -> None:
    """Have a connection cut: before the server hears of it, or behind that and before anybody hears of the server."""
    setattr(proxy, f"cuts_{when}", the_first(is_it))


WHEN = ("before", "behind")


@pytest.mark.parametrize("when", WHEN)
def test_a_commit_that_is_cut_off_is_told_as_what_became_of_it(
    far: PostgresStore, near: PostgresStore, proxy: Proxy, when: str
) -> None:
    """Every command of the batch is answered, with the position where its event is, and is there once."""
    cut(proxy, when)
    commands = [recording() for _ in range(5)]
    outcomes = together(far, commands)
    assert [one.position for one in outcomes if isinstance(one, Answer)] == [2, 3, 4, 5, 6]
    assert [one.aggregate for one in near.log.read(1, 100)] == [one.id for one in commands]
    assert far.audit_log.perform(recording()).position == 7


@pytest.mark.parametrize("when", WHEN)
def test_what_leaves_no_event_is_found_as_well(
    far: PostgresStore, near: PostgresStore, proxy: Proxy, when: str
) -> None:
    """Output has no event, and the same line may be somebody else's: a batch is known by its writer's mark alone."""
    action = recorded(near, recording(State.IN_PROGRESS, "/a/")).id
    cut(proxy, when)
    (future,) = given(far, [append(action, "the same")])
    together(near, [append(action, "the same")])
    outcome = future.result(60)
    assert isinstance(outcome, Answer)
    assert isinstance(outcome.result, Appended)
    assert [line.line for line in near.log.output(action, 0, 10)] == [1, 2]


@pytest.mark.parametrize("when", WHEN)
def test_keys_are_issued_and_revoked_once(far: PostgresStore, near: PostgresStore, proxy: Proxy, when: str) -> None:
    """An API key whose commit was cut off is there once, or revoked once."""
    issue = IssueKey(
        id=uuid4(), action=uuid4(), user="ann", namespace="acme", role="admin", secret_hash=b"a hash", by=BY
    )
    revoke = RevokeKey(id=issue.id, action=uuid4(), by=BY)
    for command in (issue, revoke):
        cut(proxy, when)
        assert isinstance(together(far, [command])[0], Answer)
    assert [key.revoked is None for key in near.log.api_keys()] == [False]


@pytest.mark.parametrize("when", WHEN)
def test_the_library_hears_the_same(far: PostgresStore, near: PostgresStore, proxy: Proxy, when: str) -> None:
    """Events that are inserted through the library's recorder are there once, at the positions that it tells."""
    far.recorder.insert_events(events(uuid4(), 1))
    cut(proxy, when)
    aggregate = uuid4()
    assert far.recorder.insert_events(events(aggregate, 3)) == [3, 4, 5]
    assert [one.aggregate for one in near.log.stored(2, 10)] == [aggregate.bytes] * 3


def is_writing(data: bytes) -> bool:
    """Tell whether a message is of a session that writes: the others only ask."""
    return any(word in data for word in (b"BEGIN", b"advisory", b"INSERT", b"NOTIFY", b"COMMIT"))


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("number", range(8))
def test_a_session_may_die_at_every_point(
    far: PostgresStore, near: PostgresStore, proxy: Proxy, when: str, number: int
) -> None:
    """Whichever message of a turn is the last one: what is answered is there once, what is refused is not there."""
    seen = count()
    setattr(proxy, f"cuts_{when}", lambda data: is_writing(data) and next(seen) == number)
    commands: list[tuple[Command, object]] = []
    for at in range(3):
        command = recording()
        (outcome,) = together(far, [(command, once(f"{number} {at}"))])
        commands.append((command, outcome))
    there = [one.aggregate for one in near.log.read(1, 100)]
    assert there == [getattr(one, "id", None) for one, outcome in commands if isinstance(outcome, Answer)]
    assert all(isinstance(outcome, Answer | Unavailable) for _, outcome in commands)
    # With one cut and another connection to be had, nobody is refused at all.
    assert len(there) == 3


def test_while_it_is_not_known_the_others_are_refused(far: PostgresStore, near: PostgresStore, proxy: Proxy) -> None:
    """Whoever comes while the database can't be asked is refused; the one in doubt is answered when it can be."""
    cut(proxy, "behind")
    proxy.is_open = False
    (doubtful,) = given(far, [recording()])
    # Not to be taken into the same batch.
    until(lambda: far.writer.queued == 0)
    until(lambda: _refusal(far) is not None)
    assert not doubtful.done()
    proxy.is_open = True
    assert isinstance(doubtful.result(60), Answer)
    assert near.log.head() == 2
    until(lambda: _refusal(far) is None)


def _refusal(store: PostgresStore) -> Exception | None:
    (outcome,) = together(store, [recording(State.SUCCESS)])
    assert isinstance(outcome, Answer | Unavailable)
    return outcome if isinstance(outcome, Exception) else None


def leave_unsettled(far: PostgresStore, near: PostgresStore, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a batch be recorded of which nobody could find that out in time; then the database can be reached again."""
    with monkeypatch.context() as patch:
        patch.setattr(writer, "SETTLING", 0.3)
        cut(proxy, "behind")
        proxy.is_open = False
        (outcome,) = together(far, [recording()])
    assert isinstance(outcome, Unsettled)
    assert not isinstance(outcome, Unavailable), "that would say that nothing was recorded"
    until(lambda: near.log.head() == 2)
    proxy.is_open = True


def test_what_can_not_be_found_out_is_told_as_that(
    far: PostgresStore, near: PostgresStore, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When it takes too long to find out, the caller is told neither that it is recorded nor that it is not."""
    leave_unsettled(far, near, proxy, monkeypatch)
    until(lambda: _refusal(far) is None)


def _is_reachable(store: PostgresStore) -> bool:
    try:
        store.recorder._recording._listener.check()  # noqa: SLF001  # to record something would tell too much
    except Unavailable:
        return False
    return True


def test_what_comes_behind_it_is_not_taken_for_it(
    far: PostgresStore, near: PostgresStore, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mark of a batch that could not be looked up says nothing of the next, whose commit is cut off too."""
    leave_unsettled(far, near, proxy, monkeypatch)
    until(lambda: _is_reachable(far))
    cut(proxy, "before")
    command = recording()
    (outcome,) = together(far, [command])
    assert isinstance(outcome, Answer)
    assert [one.aggregate for one in near.log.read(outcome.position - 1, 10)] == [command.id]


def test_a_session_that_was_replaced_knows_nothing_of_before(far: PostgresStore, server: Server, url: str) -> None:
    """A failover without a synchronous standby may take the last commits away: nothing is built on what is gone."""
    holder = recording(State.IN_PROGRESS, "/a/")
    kept = far.audit_log.perform(recording()).position
    far.audit_log.perform(holder)
    # As one who was promoted without them.
    triggers = ("events_append_only", "events_gapless")
    server.run(
        *(f"ALTER TABLE deedbook.events DISABLE TRIGGER {trigger}" for trigger in triggers),
        f"DELETE FROM deedbook.events WHERE position > {kept}",  # noqa: S608  # a number
        *(f"ALTER TABLE deedbook.events ENABLE ALWAYS TRIGGER {trigger}" for trigger in triggers),
        url=url,
    )
    server.kill_sessions(url)
    until(lambda: not isinstance(together(far, [recording()])[0], Unavailable))
    # Nothing runs on the object, as far as the log tells.
    assert recorded(far, recording(State.PENDING, "/a/")).state is State.IN_PROGRESS
    with closing(postgres_place(url).whole()) as whole:
        findings: list[Finding] = []
        verify(whole, None, findings.append)
    assert not findings


def test_the_library_is_told_that_too(far: PostgresStore, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the library's own kind says that it is not known."""
    far.recorder.insert_events(events(uuid4(), 1))
    monkeypatch.setattr(writer, "SETTLING", 0.3)
    cut(proxy, "behind")
    proxy.is_open = False
    with pytest.raises(OperationalError, match="recorded or not"):
        far.recorder.insert_events(events(uuid4(), 1))
    proxy.is_open = True


def test_a_server_that_says_nothing_is_not_waited_for(
    far: PostgresStore, near: PostgresStore, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit that nobody answers, on a connection that stays open, is looked up by another one."""
    monkeypatch.setattr("deedbook.domain.store.postgres.connecting.PatientConnection.patience", 3)
    cut(proxy, "behind")
    proxy.is_silent = True
    answer = far.audit_log.perform(recording())
    assert [one.position for one in near.log.read(1, 10)] == [answer.position] == [2]


def test_a_node_that_stops_in_its_turn_loses_it(url: str, near: PostgresStore) -> None:
    """Whoever holds the turn and does nothing is ended by the server, and the others go on."""
    holder = postgres_place(url).open()
    turn = holder.recorder._recording.turn()  # noqa: SLF001  # as a process that is stopped in the middle of it
    turn.__enter__()
    thread = Thread(target=lambda: near.audit_log.perform(recording()))
    thread.start()
    thread.join(0.5)
    assert thread.is_alive(), "two had the turn at once"
    thread.join(20)
    assert not thread.is_alive()
    assert near.log.head() == 1
    with pytest.raises(Doubtful) as caught:
        turn.__exit__(None, None, None)
    assert not caught.value.is_recorded()
    holder.close()


def test_a_question_that_always_loses_its_connection_is_given_up(
    far: PostgresStore, near: PostgresStore, proxy: Proxy
) -> None:
    """Each connection may have been dead before, and one behind them is new: after that the server is away."""
    asked = count(1)
    # Every try is cut, up to many more than there may be.
    proxy.cuts_before = lambda data: b"position > " in data and next(asked) <= 10 * CONNECTIONS
    with pytest.raises(StoreFailed, match="can't be reached now"):
        far.log.read(0, 10)
    assert next(asked) <= CONNECTIONS + 2
    proxy.cuts_before = lambda _: False
    until(lambda: _read(far) == near.log.read(0, 10))


def _read(store: PostgresStore) -> Sequence[Happened]:
    try:
        return store.log.read(0, 10)
    except StoreFailed:
        return ()
