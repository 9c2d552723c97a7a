"""Each rule that `verify` checks, by a log that breaks it: such as this program never writes, with leaves that fit."""

import tempfile
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from eventsourcing.persistence import StoredEvent

from deedbook.domain.commands import IssueKey
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
from deedbook.domain.finding import Finding, Progress
from deedbook.domain.lane import lane_id
from deedbook.domain.lifecycle import State
from deedbook.domain.relationship import relationship_id
from deedbook.domain.results import Answer
from deedbook.domain.saved_search import search_id
from deedbook.domain.store.codec import encode
from deedbook.domain.store.sqlite import SqliteStore
from tests.contract.giving import BY, NAMESPACE, append, finish, once, recorded, recording, together
from tests.support.tampering import behind_its_back
from tests.support.verifying import findings, verified

NOW = 1_400_000_000_000_000
A, B, C = (UUID(int=number << 64 | 0x4000 << 64 | 0x8000000000000000) for number in (1, 2, 3))
LANE = lane_id(NAMESPACE, "/a/")

Told = tuple[UUID, Event]


def action(one: UUID, state: State = State.SUCCESS, **more: Any) -> Told:  # noqa: ANN401  # any field
    """Return the recording of an action."""
    fields = {
        "start": None if state is State.PENDING else NOW,
        "action": "Scale",
        "method": "POST",
        "path": "/",
        **more,
    }
    return one, ActionRecorded(at=NOW, namespace=NAMESPACE, state=state, created=NOW, by=BY, **fields)


def ended(one: UUID, state: State = State.SUCCESS, at: int = NOW) -> Told:
    """Return the end of an action."""
    return one, ActionEnded(at=at, state=state, by=BY)


def started(one: UUID, after: UUID | None = None) -> Told:
    """Return the start of an action that waited."""
    return one, ActionStarted(at=NOW, after=after, by=BY)


def canceling(one: UUID) -> Told:
    """Return the request to cancel an action."""
    return one, CancelRequested(at=NOW, by=BY)


def retried(one: UUID, retry: UUID) -> Told:
    """Return the retry of an action."""
    return one, ActionRetried(at=NOW, by=BY, retry=retry)


def enters(one: UUID, *, waiting: bool = False, lane: UUID = LANE) -> Told:
    """Return the entry into the lane of /a/."""
    return lane, LaneEntered(at=NOW, namespace=NAMESPACE, object="/a/", action=one, waiting=waiting)


def begins(one: UUID) -> Told:
    """Return the start in the lane of /a/."""
    return LANE, LaneStarted(at=NOW, action=one)


def leaves(one: UUID) -> Told:
    """Return the end in the lane of /a/."""
    return LANE, LaneLeft(at=NOW, action=one)


def runs(one: UUID) -> list[Told]:
    """Return an action that runs in the lane of /a/."""
    return [enters(one), action(one, State.IN_PROGRESS, object="/a/", lane=True)]


def waits(one: UUID) -> list[Told]:
    """Return an action that waits in the lane of /a/."""
    return [enters(one, waiting=True), action(one, State.PENDING, object="/a/", lane=True)]


def ends(one: UUID, state: State = State.SUCCESS) -> list[Told]:
    """Return the end of an action in the lane of /a/."""
    return [ended(one, state), leaves(one)]


def below(child: str, parent: str) -> Told:
    """Return a relationship that begins."""
    return relationship_id(NAMESPACE, child), ParentStated(
        at=NOW, namespace=NAMESPACE, child=child, parent=parent, by=BY
    )


def no_longer_below(child: str, parent: str) -> Told:
    """Return a relationship that ends."""
    return relationship_id(NAMESPACE, child), ParentEnded(
        at=NOW, namespace=NAMESPACE, child=child, parent=parent, by=BY
    )


def saves(name: str = "mine", under: str = "mine") -> Told:
    """Return a search that is saved."""
    return search_id(NAMESPACE, under), SearchSaved(at=NOW, namespace=NAMESPACE, name=name, query="", by=BY)


def deletes(name: str = "mine") -> Told:
    """Return a search that is deleted."""
    return search_id(NAMESPACE, name), SearchDeleted(at=NOW, namespace=NAMESPACE, name=name, by=BY)


def found(*told: Told) -> list[Finding]:
    """Record events as they are, with positions, versions, dates and leaves that fit, and return what is found."""
    versions: Counter[UUID] = Counter()
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "log.db"
        with closing(SqliteStore(path, lambda: NOW)) as store:
            for aggregate, event in told:
                versions[aggregate] += 1
                store.recorder.insert_events([StoredEvent(aggregate, versions[aggregate], *encode(event))])
        return list(findings(path))


LEGAL: dict[str, list[Told]] = {
    "every state that an action can begin with": [action(A), action(B, State.FAILED), action(C, State.IN_PROGRESS)],
    "a life": [action(A, State.IN_PROGRESS), canceling(A), ended(A, State.CANCELED), retried(A, B),
               action(B, State.IN_PROGRESS, retry_of=A)],
    "a lane": [*runs(A), *waits(B), *waits(C), *ends(B, State.CANCELED), *ends(A), begins(C), started(C, after=A),
               *ends(C)],
    "a second that runs at once": [*runs(A), *runs(B), *ends(A), *ends(B)],
    "an end that waits for a start that lies in the future": [
        action(A, State.IN_PROGRESS, start=NOW + 5), ended(A, at=NOW + 5)],
    "an import": [action(A, State.PENDING, imported=True, object="/a/", can_be_canceled=False),
                  (A, ActionStarted(at=1, by=BY)), (A, CancelRequested(at=2, by=BY)), ended(A, State.CANCELED, at=3)],
    "an import of a retry": [action(A, State.CANCELED, imported=True, retry_of=B, parents=("/x/",), object="/a/")],
    "relationships": [below("/a/", "/b/"), below("/b/", "/c/"), action(A, object="/a/", parents=("/b/", "/c/")),
                      no_longer_below("/a/", "/b/"), below("/b/", "/a/"), action(B, object="/a/")],
    "saved searches": [saves(), saves(), deletes(), saves("other", "other"), saves()],
}  # fmt: skip

#: Logs that break one rule, and what is found: at which position, under which code, and words of the sentence.
BROKEN: dict[str, tuple[list[Told], int | None, str, str]] = {
    "begins in a state that none begins with": ([action(A, State.CANCELED)], 1, "transition", "begins as Canceled"),
    "a search that stands under another name": ([saves("mine", "other")], 1, "search", "does not stand under"),
    "a search that is deleted unsaved": ([deletes()], 1, "search", "saved before"),
    "a search that is deleted twice": ([saves(), deletes(), deletes()], 3, "search", "saved before"),
    "is recorded twice": ([action(A), action(A)], 2, "transition", "recorded before"),
    "ends twice": ([action(A), ended(A)], 2, "transition", "from Success to Success"),
    "starts after its end": ([action(A), started(A)], 2, "transition", "from Success to In progress"),
    "is canceled unasked": (
        [action(A, State.IN_PROGRESS), ended(A, State.CANCELED)], 2, "transition", "from In progress to Canceled"),
    "ends without having begun": ([ended(A)], 1, "transition", "no action that was recorded"),
    "is canceled though that was forbidden": (
        [action(A, State.IN_PROGRESS, can_be_canceled=False), canceling(A)], 2, "transition", "forbade"),
    "is canceled while it waits, though that was forbidden": (
        [*runs(B), enters(A, waiting=True),
         action(A, State.PENDING, object="/a/", lane=True, can_be_canceled=False), *ends(A, State.CANCELED)],
        5, "transition", "forbade"),
    "is asked to stop after its end": ([action(A), canceling(A)], 2, "transition", "from Success to Canceling"),
    "is retried before its end": (
        [action(A, State.IN_PROGRESS), retried(A, B), action(B, retry_of=A)], 2, "transition", "before it ended"),
    "is retried though that was forbidden": (
        [action(A, can_be_retried=False), retried(A, B), action(B, retry_of=A)], 2, "transition", "forbade"),
    "a retry of nothing": ([retried(A, B), action(B, retry_of=A)], 1, "transition", "no action that was recorded"),
    "happened at another date": (
        [action(A, State.IN_PROGRESS), (A, CancelRequested(at=NOW - 1, by=BY))], 2, "date", "not that on which"),
    "ended at another date": ([action(A, State.IN_PROGRESS), ended(A, at=NOW + 1)], 2, "date", "not that on which"),
    "a retry that says nothing of it": ([action(A), retried(A, B), action(B)], 3, "retry", "does not say so"),
    "a retry of another": ([action(A), retried(A, B), action(B, retry_of=C)], 3, "retry", "does not say so"),
    "a retry that the other knows nothing of": ([action(A), action(B, retry_of=A)], 2, "retry", "knows nothing of it"),
    "a retry that is not recorded": ([action(A), retried(A, B), action(C)], 3, "retry", "must stand here"),
    "a retry that is cut off": ([action(A), retried(A, B)], 2, "tail", "action.recorded/1 is gone"),
    "two start": (
        [*runs(A), *waits(B), begins(B), started(B), *ends(A), *ends(B)], 5, "lane", "starts while"),
    "one starts unasked": ([*runs(A), *waits(B), started(B), *ends(A), *ends(B)], 5, "lane", "nothing before it"),
    "a second in line starts": (
        [*runs(A), *waits(B), *waits(C), *ends(A), begins(C), started(C, after=A)], 9, "lane", "not the first"),
    "nobody starts": ([*runs(A), *waits(B), *ends(A)], 6, "tail", "lane.started/1 is gone"),
    "nobody starts, and it goes on": ([*runs(A), *waits(B), *ends(A), action(C)], 7, "lane", "must stand here"),
    "one starts in its lane alone": (
        [*runs(A), *waits(B), *ends(A), begins(B), action(C)], 8, "lane", "must stand here"),
    "one ends and stays": ([*runs(A), ended(A), action(C)], 4, "lane", "must stand here"),
    "one leaves without an end": ([*runs(A), leaves(A)], 3, "lane", "nothing before it"),
    "one leaves where it is not": ([action(A, State.IN_PROGRESS), leaves(A)], 2, "lane", "not in"),
    "one is open and in no lane": ([*runs(A), leaves(A)], None, "lane", "and not in its lane"),
    "one is in a lane and not open": ([*runs(A), ended(A), action(C)], None, "lane", "none that is open there"),
    "one enters and is not recorded": ([enters(A), action(C)], 2, "lane", "must stand here"),
    "one is recorded and enters nowhere": (
        [action(A, State.IN_PROGRESS, object="/a/", lane=True)], 1, "lane", "nothing before it"),
    "one enters twice": ([*runs(A), enters(A)], 3, "lane", "was there before"),
    "one enters another lane": (
        [enters(A, lane=B), action(A, State.IN_PROGRESS, object="/a/", lane=True)], 1, "lane", "not stand in the lane"),
    "one waits for nothing": ([*waits(A)], 1, "lane", "nothing is in its way"),
    "one waits in its lane, and runs": (
        [*runs(B), enters(A, waiting=True), action(A, State.IN_PROGRESS, object="/a/", lane=True)], 4, "lane",
        "otherwise than it entered"),
    "one enters for another object": (
        [enters(A), action(A, State.IN_PROGRESS, object="/b/", lane=True)], 2, "lane", "otherwise than it entered"),
    "one runs beside its lane": ([action(A, State.IN_PROGRESS, object="/a/")], 1, "lane", "must be in the lane"),
    "one has ended, and has a lane": (
        [enters(A), action(A, object="/a/", lane=True)], 2, "lane", "must not be"),
    "one waits without an object": ([action(A, State.PENDING)], 1, "lane", "no object to wait for"),
    "one starts after another than made room": (
        [*runs(A), *waits(B), *ends(A), begins(B), started(B, after=C)], 8, "lane", "another made room"),
    "an import starts after somebody": (
        [action(A, State.PENDING, imported=True), started(A, after=B)], 2, "lane", "another made room"),
    "a cycle": ([below("/a/", "/b/"), below("/b/", "/a/")], 2, "cycle", "a cycle"),
    "a longer cycle": (
        [below("/a/", "/b/"), below("/b/", "/c/"), below("/c/", "/a/")], 3, "cycle", "a cycle"),
    "an object below itself": ([below("/a/", "/a/")], 1, "cycle", "a cycle"),
    "a relationship stated twice": ([below("/a/", "/b/"), below("/a/", "/b/")], 2, "relationship", "before"),
    "a relationship that ends and did not hold": (
        [no_longer_below("/a/", "/b/")], 1, "relationship", "not directly below"),
    "a relationship under another object": (
        [(A, below("/a/", "/b/")[1])], 1, "relationship", "not stand under"),
    "parents that were none": ([action(A, object="/a/", parents=("/b/",))], 1, "parents", "not what it names"),
    "parents left out": ([below("/a/", "/b/"), action(A, object="/a/")], 2, "parents", "not what it names"),
}  # fmt: skip


@pytest.mark.parametrize("what", sorted(LEGAL))
def test_nothing_is_found_where_no_rule_is_broken(what: str) -> None:
    """What the domain allows, `verify` allows."""
    assert found(*LEGAL[what]) == []


@pytest.mark.parametrize("what", sorted(BROKEN))
def test_a_broken_rule_is_named(what: str) -> None:
    """Leaves and all else of the row fit; the finding has the position, the code and a sentence."""
    told, position, code, words = BROKEN[what]
    there = found(*told)
    assert any((one.position, one.code) == (position, code) and words in one.what for one in there), there
    assert not {one.code for one in there} & {"leaf", "hole", "version", "undecodable", "file"}


#: Every place in a legal log where an event says when it happened, but for what an import knows of an action's life.
DATED = [(what, place) for what, told in sorted(LEGAL.items()) if what != "an import" for place in range(len(told))]


@pytest.mark.parametrize(("what", "place"), DATED)
def test_every_event_has_one_date(what: str, place: int) -> None:
    """Re-dated by a microsecond, with a leaf that fits, an event no longer says when it was recorded."""
    told = list(LEGAL[what])
    aggregate, event = told[place]
    told[place] = aggregate, msgspec.structs.replace(event, at=event.at - 1)
    assert [(one.position, one.code) for one in found(*told)] == [(place + 1, "date")]


DEEP = b"[" * 100_000 + b"]" * 100_000

#: Events whose leaves fit, and whose bytes nobody can take in.
MONSTROUS = {
    "nested too deep": ("lane.left/1", b'{"at":1,"more":' + DEEP + b"}"),
    "a number too long": ("action.ended/1", b'{"at":1,"state":"Success","by":{},"lines":1' + b"0" * 29 + b"}"),
}


@pytest.mark.parametrize("what", sorted(MONSTROUS))
def test_an_event_that_is_monstrous_is_a_finding(tmp_path: Path, what: str) -> None:
    """It is told as any other that can't be read, at its position, and what comes behind it is checked."""
    path = tmp_path / "log.db"
    with closing(SqliteStore(path, lambda: NOW)) as store:
        store.recorder.insert_events([StoredEvent(A, 1, *MONSTROUS[what])])
        store.recorder.insert_events([StoredEvent(B, 1, *encode(canceling(B)[1]))])
    report = verified(path)
    assert [(one.position, one.code) for one in report.findings] == [(1, "undecodable"), (2, "transition")]
    assert report.log.events == 2


def test_an_answer_that_is_nested_too_deep_is_a_finding(tmp_path: Path) -> None:
    """Bytes that are kept for an idempotency key can be as bad as those of an event."""
    path = tmp_path / "log.db"
    with closing(SqliteStore(path, lambda: NOW)) as store:
        assert isinstance(together(store, [(recording(), once("again"))])[0], Answer)
    with behind_its_back(path) as db:
        db.execute("UPDATE idempotency SET result = ?", (b'{"type":"noted","more":' + DEEP + b"}",))
    [one] = findings(path)
    assert (one.position, one.code) == (1, "idempotency")
    assert "can't be read" in one.what


def test_a_body_that_is_nested_too_deep_tells_of_no_key(tmp_path: Path) -> None:
    """An action that says it issued a key, with a body that nobody can take in, is one that issued none."""
    body = '{"id":"00000000-0000-4000-8000-000000000001","more":' + DEEP.decode() + "}"
    told = action(A, action="API Key Issue", body=body)[1]
    path = tmp_path / "log.db"
    with closing(SqliteStore(path, lambda: NOW)) as store:
        event = msgspec.structs.replace(told, namespace=IssueKey.NAMESPACE)
        store.recorder.insert_events([StoredEvent(A, 1, *encode(event))])
    assert findings(path) == []


def test_progress_goes_up_to_the_head(tmp_path: Path) -> None:
    """Events are told of as they are read, and the report has their number, that of the lines, and the head."""
    reached: list[Progress] = []
    with closing(SqliteStore(tmp_path / "log.db")) as store:
        one = recorded(store, recording(State.IN_PROGRESS, "/a/"))
        store.audit_log.perform(append(one.id, "line", "another"))
        recorded(store, finish(one.id))
        checked = verified(tmp_path / "log.db", progress=reached.append).log
    assert (checked.events, checked.lines, checked.head.size) == (4, 2, 4)
    assert Progress("events", 4, 4) in reached


def test_an_empty_store_is_whole(tmp_path: Path) -> None:
    """Nothing recorded is nothing to be found, with the head of no leaves."""
    SqliteStore(tmp_path / "log.db").close()
    report = verified(tmp_path / "log.db")
    assert report.findings == []
    assert str(report.log.head).startswith("0:e3b0c44298fc1c14")
    assert findings(tmp_path / "log.db", report.log.head) == []
    assert [one.code for one in findings(tmp_path / "log.db", report.log.head._replace(root=bytes(32)))] == ["head"]
