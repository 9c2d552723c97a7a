"""Golden files: what was ever written can be read for ever.

Each file in `golden/` holds examples of one version of one event: bytes as they were once stored, and what they must
be read as. A file is never changed; an example may be added. A new version of an event comes with a file of its own.
"""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import Struct

from deedbook.domain.events import EVENTS, Event
from deedbook.domain.store.codec import UPCASTERS, decode, encode

FOLDER = Path(__file__).parent.parent / "golden"


class Example(Struct, forbid_unknown_fields=True):
    """An event as it was stored, and all the fields that it then had, as plain JSON (bytes as base64)."""

    stored: str
    fields: dict[str, Any]


class Golden(Struct, forbid_unknown_fields=True):
    """A version of an event."""

    topic: str
    becomes: str
    examples: list[Example]


def read(path: Path) -> Golden:
    """Return what a golden file holds."""
    return msgspec.json.decode(path.read_bytes(), type=Golden)


FILES = sorted(FOLDER.glob("*.json"))
GOLDEN = {path.name: read(path) for path in FILES}
EXAMPLES = [
    pytest.param(golden, example, id=f"{golden.topic} {number}")
    for golden in GOLDEN.values()
    for number, example in enumerate(golden.examples, 1)
]


#: What the fields of a later version, which the one of a file did not have, are then: its upcasters say so.
ADDED: dict[str, dict[str, Any]] = {"action.started/1": {"by": {}}}


def today(topic: str) -> str:
    """Return the version that an event is written as today: a file is never changed, and names the one of its day."""
    while topic in UPCASTERS:
        topic, _ = UPCASTERS[topic]
    return topic


def plain(value: object) -> Any:  # noqa: ANN401  # any JSON
    """Return the value of a field as a golden file has it."""
    return msgspec.json.decode(msgspec.json.encode(value))


def defaults(kind: type[Event]) -> dict[str, Any]:
    """Return the fields of an event that need not be given, with what they are then."""
    return {field.name: plain(field.default) for field in msgspec.structs.fields(kind) if not field.required}


@pytest.mark.parametrize(("golden", "example"), EXAMPLES)
def test_what_was_stored_is_read_as_it_was_meant(golden: Golden, example: Example) -> None:
    """The bytes decode to an event of the type that the file names, with its fields and what is ADDED since."""
    event = decode(golden.topic, example.stored.encode())
    kind = EVENTS[today(golden.becomes)]
    assert type(event) is kind
    found = {name: plain(getattr(event, name)) for name in kind.__struct_fields__}
    assert found == {**defaults(kind), **ADDED.get(golden.topic, {}), **example.fields}


@pytest.mark.parametrize(("golden", "example"), EXAMPLES)
def test_what_was_read_is_stored_again_as_it_was(golden: Golden, example: Example) -> None:
    """An event of a version of today encodes to its very bytes; one of an older version to what decodes to the same."""
    event = decode(golden.topic, example.stored.encode())
    topic, state = encode(event)
    assert topic == today(golden.becomes)
    if topic == golden.topic:
        assert state.decode() == example.stored
    assert decode(topic, state) == event


def test_every_version_has_its_file() -> None:
    """Each topic that is written today, and each that upcasters know, has a golden file of its name; none else has."""
    assert {golden.topic for golden in GOLDEN.values()} == EVENTS.keys() | UPCASTERS.keys()
    assert {golden.topic.replace("/", "-") + ".json" for golden in GOLDEN.values()} == GOLDEN.keys()


@pytest.mark.parametrize("topic", sorted(EVENTS))
def test_every_field_is_in_an_example(topic: str) -> None:
    """Each field that an event can have is in an example at something else than its default, and in one at that."""
    kind = EVENTS[topic]
    shown = [one.fields for golden in GOLDEN.values() if golden.topic == topic for one in golden.examples]
    for name in kind.__struct_fields__:
        values = [fields[name] for fields in shown if name in fields]
        if name in defaults(kind):
            assert defaults(kind)[name] in values, f"{name} is nowhere at its default"
        assert any(value != defaults(kind).get(name) for value in values), f"{name} is everywhere at its default"
