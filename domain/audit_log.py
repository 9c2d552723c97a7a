"""The application: where commands are given. What each one does is in `decisions.py`.

An `AuditLog` hands commands to the store's writer, which decides them in order of arrival, many in one transaction;
each is refused or recorded whole.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import NamedTuple, Protocol

from msgspec import Struct

from deedbook.domain.commands import Once
from deedbook.domain.results import Answer, Command


class Order(Struct, frozen=True):
    """A command on its way to the writer.

    `deliver` is called once, from the writer's thread: with the `Answer`, when it is on disk; or with the error. It may
    raise: that is logged, and harms nobody else.
    """

    command: Command
    deliver: Callable[[Answer | Exception], None]
    once: Once | None = None


class Orders(Protocol):
    """Who takes orders: the writer of a store."""

    def submit(self, orders: Sequence[Order]) -> None:
        """Take orders that are to be decided in one transaction; raise `Unavailable` where none is taken."""


class Tried(NamedTuple):
    """A try to commit a batch: its commands, the events that are durable by it, and what it took, in seconds.

    waited: for the writer's turn; seconds: in all, with the commit; is_durable: not so where the store failed, or
    another writer was faster.
    """

    commands: int
    events: int
    waited: float
    seconds: float
    is_durable: bool


class AuditLog:
    """Where commands are given."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders

    def submit(self, orders: Sequence[Order]) -> None:
        """Give commands to be decided in this order and recorded in one transaction.

        Each `deliver` is called once its command is durable or refused; one refused harms no other. Raises
        `Unavailable` when none was taken.
        """
        self._orders.submit(orders)

    def perform(self, command: Command, once: Once | None = None) -> Answer:
        """Give one command and wait until it is durable; raise why it was refused."""
        future: Future[Answer] = Future()
        self.submit([Order(command, _into(future), once)])
        return future.result()


def _into(future: Future[Answer]) -> Callable[[Answer | Exception], None]:
    def deliver(outcome: Answer | Exception) -> None:
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)

    return deliver
