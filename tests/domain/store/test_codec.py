"""Events to bytes and back: every event round-trips, and nothing is guessed about bytes that can't be read."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deedbook.domain.events import EVENTS, ActionStarted, Caller, Event, Number
from deedbook.domain.store.codec import UPCASTERS as TRUE_UPCASTERS
from deedbook.domain.store.codec import decode, encode
from deedbook.domain.testing import events

#: Every topic that can be read: those that are written today, and those that are read as one of them.
KNOWN = EVENTS.keys() | TRUE_UPCASTERS.keys()


@given(event=events())
def test_an_event_comes_back_as_it_was_stored(event: Event) -> None:
    """Whatever an event holds, decoding its bytes under its topic gives the same event of the same type."""
    topic, state = encode(event)
    found = decode(topic, state)
    assert found == event
    assert type(found) is type(event)
    assert encode(found) == (topic, state)


@given(event=events())
def test_an_event_is_stored_under_the_topic_of_its_type(event: Event) -> None:
    """The topic is the explicit one of the event's type, never an import path."""
    topic, _ = encode(event)
    assert EVENTS[topic] is type(event)
    assert "deedbook" not in topic


def test_topics_carry_their_version() -> None:
    """A topic ends in a slash and the version of what it holds."""
    assert all(topic.rpartition("/")[2].isdigit() for topic in EVENTS)
    assert [kind.TOPIC for kind in EVENTS.values()] == list(EVENTS)


@given(topic=st.text(max_size=30).filter(lambda topic: topic not in KNOWN))
def test_an_unknown_topic_is_never_guessed(topic: str) -> None:
    """A topic that this version does not know can't be read, and the reason names it."""
    with pytest.raises(ValueError, match="does not know the topic") as caught:
        decode(topic, b"{}")
    assert topic in str(caught.value)


@pytest.mark.parametrize("topic", sorted(KNOWN))
@pytest.mark.parametrize("state", [b"", b"\xff", b"[]", b"null", b"{}", b'{"at": "yesterday"}', b'{"at": 1'])
def test_bytes_that_are_not_what_the_topic_says_are_an_error(topic: str, state: bytes) -> None:
    """Bytes that are no such event can't be read, and the reason names the topic."""
    with pytest.raises(ValueError, match=topic):
        decode(topic, state)


DEEP = b"[" * 100_000 + b"]" * 100_000


@pytest.mark.parametrize("topic", sorted(KNOWN))
def test_what_is_nested_too_deep_is_an_error(topic: str) -> None:
    """Also in a field that nobody reads, where msgspec says so in another way than of all else."""
    with pytest.raises(ValueError, match=topic):
        decode(topic, b'{"at":1,"more":' + DEEP + b"}")


@given(event=events(), number=st.integers().map(lambda some: some + (2**63 if some >= 0 else -(2**63))), data=st.data())
def test_a_number_that_no_database_holds_is_an_error(event: Event, number: int, data: st.DataObject) -> None:
    """Of more than 64 bits, wherever it stands: those who read on would stumble over it, each at another place."""
    fields = [one.name for one in msgspec.structs.fields(event) if one.type in (Number, Number | None)]
    field = data.draw(st.sampled_from(fields))
    topic, state = encode(event)
    state = json.dumps({**json.loads(state), field: number}).encode()
    with pytest.raises(ValueError, match=rf"{topic} .*\$\.{field}"):
        decode(topic, state)


#: Versions that never were, before those that were: one had its date in seconds, the next another name for `after`.
UPCASTERS = {
    **TRUE_UPCASTERS,
    "action.started/-1": ("action.started/0", lambda fields: {**fields, "at": fields["at"] * 10**6}),
    "action.started/0": ("action.started/1", lambda fields: _renamed(fields, behind="after")),
}


def _renamed(fields: dict[str, Any], **names: str) -> dict[str, Any]:
    return {names.get(name, name): value for name, value in fields.items()}


@pytest.mark.parametrize(
    ("topic", "state"),
    [
        ("action.started/-1", b'{"at":7,"behind":"00000000-0000-4000-8000-000000000001"}'),
        ("action.started/0", b'{"at":7000000,"behind":"00000000-0000-4000-8000-000000000001"}'),
        ("action.started/1", b'{"at":7000000,"after":"00000000-0000-4000-8000-000000000001"}'),
        ("action.started/2", b'{"at":7000000,"by":{},"after":"00000000-0000-4000-8000-000000000001"}'),
    ],
)
def test_old_versions_come_in_through_their_upcasters(topic: str, state: bytes) -> None:
    """However old the version that was written, the event is that of today."""
    event = decode(topic, state, UPCASTERS)
    assert isinstance(event, ActionStarted)
    assert (event.at, str(event.after)[-1], event.by) == (7_000_000, "1", Caller())


def test_an_old_version_does_not_know_what_came_later() -> None:
    """A field that an old version did not have is what its upcaster says, whatever stands in the bytes."""
    event = decode("action.started/1", b'{"at":7,"by":{"user":"mallory"}}')
    assert event == ActionStarted(at=7, by=Caller())


def test_every_chain_of_upcasters_ends_at_a_version_of_today() -> None:
    """Each leads from one version of an event to the next, and the last to the one that is written."""
    for old, (new, _) in TRUE_UPCASTERS.items():
        (event, version), (same, later) = old.split("/"), new.split("/")
        assert (same, int(later)) == (event, int(version) + 1)
        assert old not in EVENTS
        assert new in KNOWN


def test_an_old_version_that_does_not_fit_is_an_error() -> None:
    """What upcasters make of old bytes is validated as new bytes are."""
    with pytest.raises(ValueError, match=r"action\.started/0"):
        decode("action.started/0", b'{"at":"yesterday"}', UPCASTERS)
