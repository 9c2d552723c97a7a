"""Idempotency: a command that is repeated under its key is recorded once, and answered as it was the first time."""

from concurrent.futures import Executor
from typing import Any
from uuid import UUID, uuid4

import pytest

from deedbook.domain.commands import (
    EndParent,
    Finish,
    ImportAction,
    IssueKey,
    Once,
    RecordAction,
    Retry,
    RevokeKey,
    StateParent,
)
from deedbook.domain.errors import IdempotencyMismatch, OutputNotBegun
from deedbook.domain.lifecycle import State
from deedbook.domain.results import Answer, Appended, Command, Recorded
from tests.contract.elsewhere import in_threads, perform_all
from tests.contract.engines import Place, Store
from tests.contract.giving import BY, NAMESPACE, append, cancel, finish, given, once, recorded, recording, together

HERE: dict[str, Any] = {"namespace": NAMESPACE, "by": BY}


def every_command(store: Store) -> list[Command]:
    """Return one command of each type, that succeeds once."""
    running, waits, ended = (recorded(store, recording(State.IN_PROGRESS)).id for _ in range(3))
    recorded(store, finish(ended))
    store.audit_log.perform(StateParent(parent="/gone/", child="/child/", **HERE))
    key = IssueKey(id=uuid4(), action=uuid4(), user="ann", namespace="acme", role="admin", secret_hash=b"1", by=BY)
    store.audit_log.perform(key)
    return [
        recording(State.IN_PROGRESS, "/object/", parents=("/above/",), body='{"a": "\u20ac"}'),
        ImportAction(id=uuid4(), action="Scale", method="POST", path="/", state=State.PENDING, created=1, **HERE),
        append(running, "line"),
        finish(running, State.FAILED),
        cancel(waits),
        Retry(id=ended, retry=uuid4(), **HERE),
        StateParent(parent="/parent/", child="/child/", **HERE),
        EndParent(parent="/gone/", child="/child/", **HERE),
        IssueKey(id=uuid4(), action=uuid4(), user="bob", namespace="acme", role="auditor", secret_hash=b"2", by=BY),
        RevokeKey(id=key.id, action=uuid4(), by=BY),
    ]


def test_a_repeated_command_is_answered_as_the_first_was(place: Place, store: Store, other: Store) -> None:
    """Each command, given again under its key, here, elsewhere, or after a restart, has the first one's answer."""
    commands = [(command, once(f"key {number}")) for number, command in enumerate(every_command(store))]
    first = [store.audit_log.perform(*command) for command in commands]
    head = store.log.head()
    assert [store.audit_log.perform(*command) for command in commands] == first
    assert [other.audit_log.perform(*command) for command in commands] == first
    store.close()
    again = place.open()
    assert [again.audit_log.perform(*command) for command in commands] == first
    assert again.log.head() == head
    again.close()


def test_the_answer_is_as_it_then_was(store: Store) -> None:
    """The first answer is given although the action has gone on since."""
    command = recording(State.IN_PROGRESS)
    first = store.audit_log.perform(command, once("key"))
    recorded(store, finish(command.id))
    again = store.audit_log.perform(recording(State.FAILED), once("key"))
    assert again == first
    assert isinstance(again.result, Recorded)
    assert again.result.action.state is State.IN_PROGRESS


def test_another_request_under_the_same_key_is_refused(place: Place, store: Store, other: Store) -> None:
    """A key stands for one request: with another it is refused, everywhere and for ever, and nothing is recorded."""
    store.audit_log.perform(recording(), once("key", b"one"))
    head = store.log.head()
    for asked in (store, other):
        with pytest.raises(IdempotencyMismatch, match="key"):
            asked.audit_log.perform(recording(), once("key", b"another"))
    store.close()
    again = place.open()
    with pytest.raises(IdempotencyMismatch):
        again.audit_log.perform(recording(), once("key", b"another"))
    assert again.log.head() == head
    again.close()


def test_a_key_belongs_to_its_namespace(store: Store) -> None:
    """The same key in two namespaces is two keys."""
    results = {
        store.audit_log.perform(recording(namespace=name), once("key", name.encode(), name)).position
        for name in ("acme", "other", "acme", "other")
    }
    assert results == {1, 2}


def test_twins_in_one_transaction_are_one(store: Store) -> None:
    """Of twins that are given together, the second has the first one's answer; one that asks otherwise is refused."""
    command = recording()
    first, twin, mismatch, stranger = together(store, [
        (command, once("key")), (recording(), once("key")), (recording(), once("key", b"another")), recording(),
    ])  # fmt: skip
    assert isinstance(first, Answer)
    assert isinstance(first.result, Recorded)
    assert first.result.action.id == command.id
    assert twin == first
    assert isinstance(mismatch, IdempotencyMismatch)
    assert isinstance(stranger, Answer)
    assert store.log.head() == 2


def test_twins_that_race_are_one(place: Place, store: Store, other: Store, processes: Executor) -> None:
    """However many threads and processes give a command under one key at once, one is recorded, and all hear of it."""
    keys = [once(f"key {number}") for number in range(5)]
    twins: list[tuple[RecordAction, Once]] = [(recording(), key) for key in keys for _ in range(3)]
    elsewhere = [processes.submit(perform_all, place, [(recording(), one) for _, one in twins]) for _ in range(2)]
    here = in_threads(len(twins), lambda at: together((store, other)[at % 2], [twins[at]])[0])
    told: dict[str, set[UUID]] = {key.key: set() for key in keys}
    for outcomes in (here, *(future.result(100) for future in elsewhere)):
        for outcome, (_, key) in zip(outcomes, twins, strict=True):
            assert isinstance(outcome, Answer)
            assert isinstance(outcome.result, Recorded)
            told[key.key].add(outcome.result.action.id)
    assert all(len(ids) == 1 for ids in told.values()), told
    assert store.log.head() == len(keys)


def test_only_what_succeeded_is_remembered(store: Store, other: Store) -> None:
    """A refused command may be given again under its key, and be decided anew; so may another under that key."""
    first = recorded(store, recording(State.PENDING, "/a/")).id
    pending = recorded(store, recording(State.PENDING, "/a/")).id
    with pytest.raises(OutputNotBegun):
        store.audit_log.perform(append(pending, "line"), once("key"))
    recorded(store, finish(first))
    assert other.audit_log.perform(append(pending, "line"), once("key", b"another")).result == Appended(1, 1)
    assert store.audit_log.perform(append(pending, "line"), once("key", b"another")).result == Appended(1, 1)
    assert store.log.output_end(pending).lines == 1


def test_a_refused_twin_leaves_the_key_to_the_next(store: Store) -> None:
    """In one transaction, a command that was refused under a key does not stand in the way of one that succeeds."""
    unknown = Finish(id=uuid4(), namespace=NAMESPACE, by=BY, state=State.SUCCESS)
    refused, done = (future.result(60) for future in given(store, [(unknown, once("key")), (recording(), once("key"))]))
    assert isinstance(refused, Exception)
    assert isinstance(done, Answer)
