"""API keys: each one was issued by an action in the log, as it is; and each revocation there is one here."""

from collections.abc import Iterator
from uuid import UUID

from deedbook.domain.finding import Finding
from deedbook.domain.store.verify.replay import Replay, ToldKey
from deedbook.domain.store.verify.snapshot import Snapshot, StoredKey


def keys(store: Snapshot, replay: Replay) -> Iterator[Finding]:
    """Check every key against what the log tells of it. Of its secret the log tells nothing."""
    left = dict(replay.issued)
    for key in store.api_keys():
        name = UUID(bytes=key.id) if len(key.id) == 16 else None  # noqa: PLR2004  # bytes of a UUID
        issued = left.pop(name, None) if name is not None else None
        revoked = replay.revoked.get(name) if name is not None else None
        fault = _fault(key, issued, revoked)
        if fault is not None and not (issued is None and replay.is_partial):
            position = revoked.position if revoked else issued.position if issued else None
            yield Finding(position, "key", f"the API key {name or key.id.hex()}: {fault}")
    for gone, told in left.items():
        yield Finding(told.position, "key", f"the API key {gone}: it was issued, and is not there")


def _fault(key: StoredKey, issued: ToldKey | None, revoked: ToldKey | None) -> str | None:
    if issued is None:
        return "no action in the log issued it"
    if (key.user, key.namespace, key.role) != (issued.user, issued.namespace, issued.role):
        return "its user, namespace or role is not the one it was issued with"
    if key.created != issued.at:
        return "it was issued on another date"
    if key.revoked != (None if revoked is None else revoked.at):
        return "it was not revoked then" if key.revoked is not None else "it was revoked, and is valid again"
    return None
