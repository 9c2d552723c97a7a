"""API keys: who may do what, where. The secret itself is kept nowhere, only its SHA-256."""

from collections.abc import Mapping
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

#: Names that the paths of the API need, so that no namespace may have them.
RESERVED_NAMESPACES = frozenset(
    {"action", "event", "events", "relationship", "admin", "key", "user", "object", "search", "deedbook"}
)

#: What a namespace looks like: it stands in paths as it is.
NAMESPACE_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}"


class Role(StrEnum):
    """What the holder of a key may do; each role's rights are in `MAY`."""

    AUDITOR = "auditor"
    OPERATOR = "operator"
    RECORDER = "recorder"
    ADMIN = "admin"


class Right(StrEnum):
    """A kind of request."""

    READ = "read"
    RECORD = "record"
    CANCEL = "cancel"
    RETRY = "retry"
    FINISH = "finish"
    APPEND = "append output"
    RELATE = "relate"
    SAVE = "save searches"
    ADMINISTER = "administer"


MAY: Mapping[str, frozenset[Right]] = {
    Role.AUDITOR: frozenset({Right.READ, Right.SAVE}),
    Role.OPERATOR: frozenset({Right.READ, Right.CANCEL, Right.RETRY, Right.FINISH, Right.SAVE}),
    Role.RECORDER: frozenset({Right.READ, Right.RECORD, Right.FINISH, Right.APPEND, Right.RELATE, Right.SAVE}),
    Role.ADMIN: frozenset(Right),
}


def rights_of(role: str) -> frozenset[Right]:
    """Return what a role may do here: one that only a newer release knows, nothing."""
    return MAY.get(role, frozenset())


class ApiKey(Struct, frozen=True):
    """An API key as the store keeps it; dates in microseconds since the epoch.

    role: a `Role`, or the name of one that only a newer release beside this one knows; last_used: when it was last
    used, as far as that was noted (`NoteUses`): no part of the log, nor of its copies.
    """

    id: UUID
    user: str
    namespace: str
    role: str
    secret_hash: bytes
    created: int
    revoked: int | None = None
    last_used: int | None = None
