"""Giving many commands to an application at once, whatever engine is behind it."""

from collections.abc import Sequence
from concurrent.futures import Future

from deedbook.domain.audit_log import AuditLog, Order
from deedbook.domain.results import Command


def give(audit_log: AuditLog, commands: Sequence[Command]) -> None:
    """Give commands that share a transaction; they are durable on return. Raises what the first refused one came to."""
    given(audit_log, commands).result()


def given(audit_log: AuditLog, commands: Sequence[Command]) -> Future[None]:
    """Give the same, and wait for nothing; the future is done once all are durable, or failed as `give` does."""
    done: Future[None] = Future()
    outcomes: list[object] = []

    def deliver(outcome: object) -> None:
        outcomes.append(outcome)
        if len(outcomes) == len(commands):
            failed = [one for one in outcomes if isinstance(one, Exception)]
            done.set_exception(failed[0]) if failed else done.set_result(None)

    audit_log.submit([Order(command, deliver) for command in commands])
    return done
