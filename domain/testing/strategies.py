"""Strategies for what the domain is made of: any event, any command, any line, made from their own types."""

import types
from typing import Any, TypeVar, Union, get_args, get_origin
from uuid import UUID

import msgspec
from hypothesis import strategies as st
from msgspec import Struct

from deedbook.domain.commands import Line
from deedbook.domain.events import EVENTS, Event, Number
from deedbook.domain.results import Command

#: Text as it comes in: any character, but for surrogates, which no UTF-8 can hold.
TEXTS = st.text(max_size=40)

#: Dates in microseconds since the epoch: years 1 to 9999, as dates on the wire can be.
DATES = st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999)

#: A line of output: it holds no line break.
LINES = st.builds(
    Line,
    st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=40),
    st.none() | st.integers(0, 253_402_300_799),
)

_VALUES: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXTS,
    int: DATES,
    Number: DATES,
    bytes: st.binary(max_size=32),
    bool: st.booleans(),
    UUID: st.uuids(version=4),
    Line: LINES,
    type(None): st.none(),
}

Kind = TypeVar("Kind", bound=Struct)


def structs(kind: type[Kind], **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Kind]:
    """Return any value of a struct; `fields` narrows some of them."""
    made = {field.name: values(field.type) for field in msgspec.structs.fields(kind)} | fields
    return st.builds(kind, **made)


def values(kind: Any) -> st.SearchStrategy[Any]:  # noqa: ANN401  # what an annotation can be has no type
    """Return any value of what can stand as the type of a field."""
    if kind in _VALUES:
        return _VALUES[kind]
    origin, among = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return st.one_of(*(values(one) for one in among))
    if origin is tuple:
        return st.lists(values(among[0]), max_size=3).map(tuple)
    if isinstance(kind, type) and issubclass(kind, Struct):
        return structs(kind)
    return st.from_type(kind)


def events(*kinds: type[Event]) -> st.SearchStrategy[Event]:
    """Return any event that the log can hold, or of these kinds: each for itself, in no story."""
    return st.one_of(*(structs(kind) for kind in kinds or EVENTS.values()))


def commands(*kinds: type[Command]) -> st.SearchStrategy[Command]:
    """Return any command that can be given, or of these kinds: each for itself, about actions that nobody recorded."""
    return st.one_of(*(structs(kind) for kind in kinds or get_args(Command)))
