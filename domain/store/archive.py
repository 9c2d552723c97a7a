"""An export: a whole store, or what was added to it since, as NDJSON that another Deedbook can build an equal one from.

The first line says what is in it, the last one that it is whole; between them stand events, output, API keys and
idempotency records, each in its order, so that it can be written and read as it streams. Every line is one of the
structs below. An engine gives a `Snapshot` to write one from, and an `Intake` to read one into.
"""

from collections.abc import Iterable, Iterator
from typing import Annotated, NamedTuple, Protocol
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from deedbook.domain.errors import DeedbookError
from deedbook.domain.keys import ApiKey, Role
from deedbook.domain.log import Counts, NumberedLine, Stored
from deedbook.domain.merkle import Frontier, TreeHead, grow
from deedbook.domain.output import OutputLine

#: The version of the lines below. An export of a later one is not read.
FORMAT = 1

#: Leaves hashed at once.
_AT_ONCE = 1000

#: What a database can hold: 64 bits, signed.
Integer = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]


class Kept(NamedTuple):
    """What an idempotency key stands for, as `session.Remembered`."""

    namespace: str
    key: str
    request: bytes
    result: bytes
    position: int


#: What an export holds, one a line.
Entry = Stored | NumberedLine | ApiKey | Kept


class Line(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, tag_field="kind"):
    """A line of an export; `kind` comes first in it. Bytes are base64."""


class Header(Line, frozen=True, kw_only=True, tag="deedbook export"):
    """The first line. It holds the events behind `after` up to `through`, and the output behind `output_after`.

    head: of the log at `after`, so that it is continued only where it fits; deedbook: the release that wrote it; holds:
    what follows; store: what the whole store held at that moment.
    """

    format: int
    deedbook: str
    after: Integer
    through: Integer
    output_after: Integer
    head: str
    holds: Counts
    store: Counts


class EventLine(Line, frozen=True, kw_only=True, tag="event"):
    """An event; its bytes are `state` where they are UTF-8, which JSON events are, or else `raw`."""

    position: Integer
    aggregate: UUID
    version: Integer
    topic: str
    recorded: Integer
    state: str | None = None
    raw: bytes | None = None
    leaf: bytes


class OutputLineLine(Line, frozen=True, kw_only=True, tag="output"):
    """A line of output."""

    sequence: Integer
    action: UUID
    line: Integer
    timestamp: Integer
    text: str
    digest: bytes


class KeyLine(Line, frozen=True, kw_only=True, tag="key"):
    """An API key: `hash` is the SHA-256 of its secret, which no store holds."""

    id: UUID
    user: str
    namespace: str
    role: Role
    hash: bytes
    created: Integer
    revoked: Integer | None = None


class IdempotencyLine(Line, frozen=True, kw_only=True, tag="idempotency"):
    """What an idempotency key stands for; `result` and `raw` as `state` and `raw` of an event."""

    namespace: str
    key: str
    request: bytes
    result: str | None = None
    raw: bytes | None = None
    position: Integer


class End(Line, frozen=True, kw_only=True, tag="end"):
    """The last line: what came before it, and the SHA-256 of all those lines as they stand, line feeds included.

    head: of the log at `through`.
    """

    holds: Counts
    head: str
    sha256: bytes


class NotWhole(DeedbookError):
    """A store or an export is not as it must be, so that no equal store can be made of it."""


class Growing:
    """The head of a log as it grows; the leaves are hashed many at once, which is faster."""

    def __init__(self, leaves: Iterable[bytes]) -> None:
        self._frontier = Frontier()
        self._leaves: list[bytes] = []
        for leaf in leaves:
            self.add(leaf)

    def add(self, leaf: bytes) -> None:
        """Take in the next leaf."""
        self._leaves.append(leaf)
        if len(self._leaves) == _AT_ONCE:
            self._grow()

    @property
    def head(self) -> TreeHead:
        """The head up to here."""
        self._grow()
        return self._frontier.head

    def _grow(self) -> None:
        self._frontier = grow(self._frontier, self._leaves)
        self._leaves = []


class Snapshot(Protocol):
    """The reading side: a whole store as it was at one moment, whatever is recorded meanwhile."""

    def counts(self) -> Counts:
        """Return what the store holds."""

    def leaves(self, through: int) -> Iterator[bytes]:
        """Return the leaves of the events up to a position, in order."""

    def back_from(self, position: int) -> Iterator[Stored]:
        """Return the events from a position back to the first."""

    def sequence(self, action: UUID, line: int) -> int:
        """Return the sequence of a line of an action's output, 0 where there is none."""

    def events(self, after: int) -> Iterator[Stored]:
        """Return the events behind a position, in order."""

    def output(self, after: int) -> Iterator[NumberedLine]:
        """Return the lines of output behind a sequence, in order."""

    def keys(self) -> Iterator[ApiKey]:
        """Return every API key, oldest first."""

    def kept_since(self, position: int) -> int:
        """Return how many idempotency records are of this position or a later one."""

    def kept(self, position: int) -> Iterator[Kept]:
        """Return the idempotency records of this position and later ones, in order of namespace and key."""


class Intake(Protocol):
    """The writing side: a store in one transaction, in which no other writer is."""

    def counts(self) -> Counts:
        """Return what the store holds, with what was added."""

    def held(self, entry: Entry) -> Entry | None:
        """Return what the store holds in the place of an entry (position, sequence, id, or key), None for nothing."""

    def leaves(self, through: int) -> Iterator[bytes]:
        """Return the leaves of the events up to a position, in order."""

    def digest(self, action: UUID, line: int) -> bytes:
        """Return the digest of a line of an action's output, empty where there is none."""

    def add(self, entry: Entry) -> None:
        """Add an entry in a place where nothing is; raises `NotWhole` where the database refuses it."""

    def revoke(self, key: ApiKey) -> None:
        """Revoke a key that is held, at the date that `key` has."""


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Header | EventLine | OutputLineLine | KeyLine | IdempotencyLine | End)


def to_line(entry: Entry) -> Line:
    """Return an entry as a line of an export; raises ValueError where it can't be one."""
    match entry:
        case Stored(position, aggregate, version, topic, recorded, state, leaf):
            text, raw = _readable(state)
            return EventLine(
                position=position,
                aggregate=UUID(bytes=aggregate),
                version=version,
                topic=topic,
                recorded=recorded,
                state=text,
                raw=raw,
                leaf=leaf,
            )
        case NumberedLine(sequence, OutputLine(action, line, timestamp, said, digest)):
            return OutputLineLine(
                sequence=sequence, action=action, line=line, timestamp=timestamp, text=said, digest=digest
            )
        case Kept(namespace, name, request, result, position):
            text, raw = _readable(result)
            return IdempotencyLine(
                namespace=namespace, key=name, request=request, result=text, raw=raw, position=position
            )
    return KeyLine(
        id=entry.id,
        user=entry.user,
        namespace=entry.namespace,
        role=Role(entry.role),
        hash=entry.secret_hash,
        created=entry.created,
        revoked=entry.revoked,
    )


def to_entry(line: Line) -> Entry | None:
    """Return what a line holds, None where it is the first or the last; raises ValueError where it makes no sense."""
    match line:
        case EventLine():
            state = _exact(line.state, line.raw)
            return Stored(
                line.position, line.aggregate.bytes, line.version, line.topic, line.recorded, state, line.leaf
            )
        case OutputLineLine():
            return NumberedLine(
                line.sequence, OutputLine(line.action, line.line, line.timestamp, line.text, line.digest)
            )
        case KeyLine():
            return ApiKey(line.id, line.user, line.namespace, line.role, line.hash, line.created, line.revoked)
        case IdempotencyLine():
            return Kept(line.namespace, line.key, line.request, _exact(line.result, line.raw), line.position)
    return None


def encode(line: Line) -> bytes:
    """Return the bytes of a line, with its line feed."""
    return _ENCODER.encode(line) + b"\n"


def decode(text: bytes) -> Line:
    """Return what the bytes of a line are; raises `msgspec.MsgspecError` where they are no line of an export."""
    line: Line = _DECODER.decode(text)
    return line


def _readable(stored: bytes) -> tuple[str | None, bytes | None]:
    """Return bytes as the text that gives these very bytes again, or as they are."""
    try:
        return stored.decode(), None
    except UnicodeDecodeError:
        return None, stored


def _exact(text: str | None, raw: bytes | None) -> bytes:
    if text is not None and raw is None:
        return text.encode()
    if raw is not None and text is None:
        return raw
    raise ValueError("it holds bytes twice, or not at all")
