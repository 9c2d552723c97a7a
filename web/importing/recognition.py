"""JSON values to records: envelopes are opened, and each record's kind is told by the keys it has."""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, TypeGuard

import msgspec
from msgspec import UNSET, Raw, UnsetType

from deedbook.web.importing.framing import ENVELOPES, MALFORMED, Value
from deedbook.web.importing.items import NotALog, Unreadable

_UNKNOWN = "It is no action, no CloudTrail record and no Kubernetes audit event."

#: Envelopes within envelopes, such as a list of pages. What is deeper is nobody's log.
_DEEPEST = 4

#: How many values that are not known may come before the first that is.
_PATIENCE = 100


class Kind(StrEnum):
    """What a record can be: the key that tells it. The first that a record has counts."""

    CLOUDTRAIL = "eventName"
    LOOKUP = "CloudTrailEvent"
    KUBERNETES = "auditID"
    RELATIONSHIP = "relationship"
    OUTPUT = "lines"
    ACTION = "state"


class Record(NamedTuple):
    """The text of one record, its kind, and its line (as in `Item`)."""

    line: int
    kind: Kind
    text: bytes | Raw


#: Going through an enumeration takes six times as long.
_KINDS = tuple(Kind)

#: An object of which only the telling keys are looked at, their values unread.
_TELLING = msgspec.json.Decoder(
    msgspec.defstruct(
        "Telling", [(key, Raw | UnsetType, UNSET) for key in (*(kind.value for kind in Kind), *ENVELOPES)]
    )
)
_LIST = msgspec.json.Decoder(list[Raw])


def records(values: Iterable[Value | Unreadable], path: Path) -> Iterator[Record | Unreadable]:
    """Yield the records of one file, and what is none, in order.

    Raises NotALog at the end of a file that holds nothing that is known here.
    """
    held: list[Unreadable] = []
    known = False
    for record in _Opener().records(values):
        if known:
            yield record
        elif _is_foreign(record) and len(held) < _PATIENCE:
            held.append(record)
        else:
            known = True
            yield from held
            yield record
    if held and not known:
        raise NotALog(f"{path} holds no action, no CloudTrail record and no Kubernetes audit event.")


def _is_foreign(record: Record | Unreadable) -> TypeGuard[Unreadable]:
    """Whether this is nothing that is known here, and not only because it is damaged."""
    return isinstance(record, Unreadable) and record.reason.startswith((_UNKNOWN, MALFORMED))


class _Opener:
    """Opens the values of one file, and counts the records that came in envelopes."""

    def __init__(self) -> None:
        self._count = 0

    def records(self, values: Iterable[Value | Unreadable]) -> Iterator[Record | Unreadable]:
        for value in values:
            if isinstance(value, Unreadable):
                yield value
            else:
                yield from self._opened(value.line, value.text, 0)

    def _opened(self, line: int, text: bytes | Raw, depth: int) -> Iterator[Record | Unreadable]:
        kind, inner = _told(text)
        if inner is not None and depth < _DEEPEST:
            for element in inner:
                yield from self._opened(line, element, depth + 1)
            return
        if depth:
            self._count += 1
            line = self._count
        yield Unreadable(line, _UNKNOWN) if kind is None else Record(line, kind, text)


def _told(text: bytes | Raw) -> tuple[Kind | None, list[Raw] | None]:
    """The kind of a record, or the elements of an envelope, or neither."""
    try:
        telling = _TELLING.decode(text)
    except msgspec.ValidationError:
        return None, _elements(text)
    for kind in _KINDS:
        if getattr(telling, kind) is not UNSET:
            return kind, None
    for key in ENVELOPES:
        if getattr(telling, key) is not UNSET:
            return None, _elements(getattr(telling, key))
    return None, None


def _elements(text: bytes | Raw) -> list[Raw] | None:
    try:
        return _LIST.decode(text)
    except msgspec.ValidationError:
        return None
