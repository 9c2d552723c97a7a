"""A store with a little of everything in it: what is small enough to be changed by hand."""

from itertools import count
from uuid import UUID

from deedbook.domain.audit_log import AuditLog
from deedbook.domain.commands import IssueKey, RevokeKey
from deedbook.domain.lifecycle import State
from tests.contract.giving import BY, append, finish, once, recording


def fill(audit_log: AuditLog) -> None:
    """Record two actions, output, an idempotency key, and two API keys, of which one is revoked."""
    ids = map(UUID, (f"{number:08}-0000-4000-8000-000000000000" for number in count(1)))
    action = recording(State.IN_PROGRESS, "/a/", id=next(ids), parents=("/above/",))
    for command in (action, append(action.id, "one", "two"), finish(action.id)):
        audit_log.perform(command)
    audit_log.perform(recording(id=next(ids)), once("key"))
    keys = [
        IssueKey(
            id=next(ids), action=next(ids), user="ann", namespace="acme", role="auditor",
            secret_hash=next(ids).bytes, by=BY,
        ) for _ in range(2)
    ]  # fmt: skip
    for key in keys:
        audit_log.perform(key)
    audit_log.perform(RevokeKey(id=keys[0].id, action=next(ids), by=BY))
