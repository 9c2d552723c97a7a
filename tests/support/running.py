"""Actions that run, in a log that a test is about to look at."""

from uuid import uuid4

from deedbook.domain.audit_log import AuditLog
from deedbook.domain.commands import Finish, RecordAction
from deedbook.domain.events import Caller
from deedbook.domain.lifecycle import State

BY = Caller("root", "192.0.2.1", "tests")


def record_running(audit_log: AuditLog, count: int) -> None:
    """Record actions that run, and let the first of them end: an event for each, and one more."""
    ids = [uuid4() for _ in range(count)]
    for action in ids:
        audit_log.perform(
            RecordAction(
                id=action, namespace="acme", by=BY, action="Scale", method="POST", path="/", state=State.IN_PROGRESS,
                object="/a/", user="ann",
            )
        )  # fmt: skip
    audit_log.perform(Finish(id=ids[0], namespace="acme", by=BY, state=State.SUCCESS))
