"""Giving many commands to an application at once, whatever engine is behind it."""

import threading
from collections.abc import Sequence

from deedbook.domain.audit_log import AuditLog, Order
from deedbook.domain.results import Command


def give(audit_log: AuditLog, commands: Sequence[Command]) -> None:
    """Give commands that share a transaction; they are durable on return. Raises what the first refused one came to."""
    outcomes: list[object] = []
    done = threading.Event()

    def deliver(outcome: object) -> None:
        outcomes.append(outcome)
        if len(outcomes) == len(commands):
            done.set()

    audit_log.submit([Order(command, deliver) for command in commands])
    done.wait()
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            raise outcome
