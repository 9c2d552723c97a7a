"""What requests hold: one struct for each body, which validates it and from which the OpenAPI description is made."""

import socket
import time
from collections.abc import Mapping
from enum import StrEnum
from ipaddress import ip_address
from itertools import islice
from typing import Annotated, TypeVar
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from deedbook.domain.commands import Line, RecordAction
from deedbook.domain.events import Caller
from deedbook.domain.keys import NAMESPACE_PATTERN, Role
from deedbook.domain.lifecycle import FINAL, State
from deedbook.web.dates import parse_date
from deedbook.web.problems import Problem, bad

#: A line of output may have so many bytes.
LINE = 64 * 1024

#: A request may append so many lines: they are recorded as one, and all others wait for that.
LINES = 10_000

#: How far a date may lie in the future, for clocks that differ: five minutes, in microseconds.
FUTURE = 5 * 60 * 1_000_000

# In Python's patterns, but in no other's, `$` also matches before a line break at the end: hence `(?!\n)`.
_METHOD = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}$(?!\n)"
_SEARCH = r"^\S(.*\S)?$(?!\n)"
_USER = r"^[^:]*$(?!\n)"
_NAMESPACE = rf"^{NAMESPACE_PATTERN}$(?!\n)"

#: Each pattern in words, for who sent what does not match.
IN_WORDS: Mapping[str, str] = {
    _METHOD: "a method of HTTP, such as POST: 1 to 32 letters, digits or any of !#$%&'*+-.^_`|~",
    _SEARCH: "a name of one line, with a space neither before nor behind it",
    _USER: "a user without a colon",
    _NAMESPACE: "a namespace: 1 to 63 letters, digits, dots, hyphens or underscores, the first a letter or digit",
}

Uri = Annotated[str, Meta(min_length=1, max_length=2048)]
Name = Annotated[str, Meta(min_length=1, max_length=1024)]


class Recordable(StrEnum):
    """The states that an action can be recorded in."""

    SUCCESS = "Success"
    FAILED = "Failed"
    IN_PROGRESS = "In progress"
    PENDING = "Pending"


#: The same as states; measured, a table takes a tenth of the time of `State(…)`.
_STATES = {state: State(state) for state in Recordable}


class Reportable(StrEnum):
    """The states that a worker can report."""

    SUCCESS = "Success"
    FAILED = "Failed"
    CANCELED = "Canceled"


class RecordRequest(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """An action to record. `user`, `user_agent` and `ip` left out are those of the request; null is kept as null."""

    action: Name
    method: Annotated[str, Meta(pattern=_METHOD)]
    path: Annotated[str, Meta(min_length=1, max_length=16384)]
    state: Recordable
    object: Annotated[str, Meta(max_length=2048)] = ""
    parents: Annotated[tuple[Uri, ...], Meta(max_length=100)] = ()
    body: str | None = None
    user: str | UnsetType | None = UNSET
    user_agent: str | UnsetType | None = UNSET
    ip: str | UnsetType | None = UNSET
    location: str | UnsetType | None = UNSET
    is_user_action: bool = True
    start_date: str | None = None
    end_date: str | None = None
    can_be_canceled: bool = True
    can_be_retried: bool = True


class BatchLine(RecordRequest, forbid_unknown_fields=True, omit_defaults=True):
    """A line of a batch: an action to record, which may carry its own idempotency key."""

    idempotency_key: str | None = None


class FinishRequest(Struct, forbid_unknown_fields=True):
    """How a running action ended."""

    state: Reportable
    reason: Annotated[str, Meta(max_length=4096)] | None = None


class OutputLineRequest(Struct, forbid_unknown_fields=True):
    """A line of output, at a time in seconds since the epoch; without one it is of now."""

    log: str
    timestamp: Annotated[int, Meta(ge=0, le=253402300799)] | None = None


class OutputRequest(Struct, forbid_unknown_fields=True):
    """Lines of output, in order; a bare string is a line of now."""

    lines: Annotated[tuple[OutputLineRequest | str, ...], Meta(min_length=1)]


class RelationshipRequest(Struct, forbid_unknown_fields=True):
    """`child` is directly below `parent`."""

    parent: Uri
    child: Uri


class SearchRequest(Struct, forbid_unknown_fields=True):
    """A search to save: the filters of the list, as a query string."""

    name: Annotated[str, Meta(min_length=1, max_length=100, pattern=_SEARCH)]
    query: Annotated[str, Meta(max_length=4096)]


class KeyRequest(Struct, forbid_unknown_fields=True):
    """An API key to issue."""

    user: Annotated[str, Meta(min_length=1, max_length=256, pattern=_USER)]
    namespace: Annotated[str, Meta(pattern=_NAMESPACE)]
    role: Role


Body = TypeVar("Body")


def decoded(body: bytes, kind: type[Body]) -> Body:
    """Return a JSON body as the struct that it must be; raises the 400."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise bad(f"The body does not fit: {_lowered(_worded(str(error)))}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise bad(f"The body is not JSON: {_lowered(str(error))}.") from None
    except RecursionError:
        raise bad("The body is nested too deeply.") from None


def recording(request: RecordRequest, action: UUID, namespace: str, by: Caller) -> RecordAction:
    """Return the command to record what a request describes; raises the 400."""
    state = _STATES[request.state]
    start, end = _dates(request, state)
    if request.parents and not request.object:
        raise bad("Parents need an object that they are above of: give `object`.")
    user = by.user if request.user is UNSET else request.user
    agent = by.agent if request.user_agent is UNSET else request.user_agent
    return RecordAction(
        id=action,
        namespace=namespace,
        by=by,
        action=request.action,
        method=request.method,
        path=request.path,
        state=state,
        object=request.object,
        parents=request.parents,
        body=request.body,
        user=user,
        user_agent=agent,
        ip=by.address if request.ip is UNSET else _address(request.ip),
        location="unknown" if request.location is UNSET else request.location,
        is_user_action=request.is_user_action,
        start=start,
        end=end,
        can_be_canceled=request.can_be_canceled,
        can_be_retried=request.can_be_retried,
    )


def lines_of(lines: tuple[OutputLineRequest | str, ...]) -> tuple[Line, ...]:
    """Return lines as they are kept: one with line breaks inside is several; raises the 413s."""
    parts = (
        Line(_bounded(part), timestamp)
        for text, timestamp in ((line, None) if isinstance(line, str) else (line.log, line.timestamp) for line in lines)
        for part in _split(text)
    )
    kept = tuple(islice(parts, LINES + 1))
    if len(kept) > LINES:
        raise too_many_lines()
    return kept


def too_many_lines() -> Problem:
    """Return the problem of an append of more than `LINES`."""
    return Problem(413, f"A request may append {LINES:,} lines at the most; send the others with further requests.")


def _split(text: str) -> list[str]:
    if "\n" not in text and "\r" not in text:
        return [text]
    parts = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return parts[:-1] if not parts[-1] else parts


def _bounded(text: str) -> str:
    if len(text) * 4 > LINE and len(text.encode()) > LINE:
        raise Problem(413, f"A line of output may have {LINE:,} bytes at the most.")
    return text


def _dates(request: RecordRequest, state: State) -> tuple[int | None, int | None]:
    if request.start_date is None and request.end_date is None:
        return None, None
    if state is State.PENDING:
        raise bad("A Pending action has no dates yet: leave start_date and end_date out.")
    if state not in FINAL and request.end_date is not None:
        raise bad(f"An action in state {state} has no end_date yet: leave it out.")
    start, end = _date("start_date", request.start_date), _date("end_date", request.end_date)
    if start is not None and end is not None and end < start:
        raise bad("The end_date lies before the start_date.")
    return start, end


def _date(name: str, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        date = parse_date(text)
    except ValueError as error:
        raise bad(f"{name}: {error}") from None
    if date > time.time_ns() // 1000 + FUTURE:
        raise bad(f"{name} lies in the future: {text}.")
    return date


def _address(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        # The common case, and a tenth of the time.
        socket.inet_pton(socket.AF_INET, text)
    except (OSError, ValueError):
        return _other_address(text)
    return text


def _other_address(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        raise bad(f"ip is not an IP address: {text}.") from None


def _worded(sentence: str) -> str:
    """Return what msgspec says of a value, with the pattern that it should match in words."""
    for pattern, words in IN_WORDS.items():
        sentence = sentence.replace(f"`str` matching regex {pattern!r}", words)
    return sentence


def _lowered(sentence: str) -> str:
    """Return a sentence that goes on behind a colon: begun small, but for a name such as JSON."""
    return sentence if sentence[1:2].isupper() else sentence[:1].lower() + sentence[1:]
