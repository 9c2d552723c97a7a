"""Carries commands from the event loop to the writer's thread, and answers back: the loop is woken once a batch."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any, TypeVar

from deedbook.domain.audit_log import AuditLog, Order
from deedbook.domain.commands import Once
from deedbook.domain.results import Answer, Command

Waiting = asyncio.Future[Answer | Exception]
Outcome = TypeVar("Outcome")


class Courier:
    """Gives commands to an audit log from one event loop."""

    def __init__(self, audit_log: AuditLog, loop: asyncio.AbstractEventLoop) -> None:
        self._audit_log = audit_log
        self._loop = loop
        # Any: each outcome is of its future's own type, as `bring` takes them.
        self._done: deque[tuple[asyncio.Future[Any], Any]] = deque()
        self._is_woken = False

    async def perform(self, command: Command, once: Once | None = None) -> Answer:
        """Give one command; return when it is durable, raise why it was refused."""
        future: Waiting = self._loop.create_future()
        self._audit_log.submit([Order(command, Delivery(self, future), once)])
        outcome = await future
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def perform_all(self, commands: Sequence[tuple[Command, Once | None]]) -> Sequence[Answer | Exception]:
        """Give commands that share a transaction; return their outcomes, in order, when all are durable or refused."""
        if not commands:
            return ()
        future: asyncio.Future[Sequence[Answer | Exception]] = self._loop.create_future()
        deliver = Collection(self, future, len(commands))
        self._audit_log.submit([Order(command, deliver, once) for command, once in commands])
        return await future

    def bring(self, future: asyncio.Future[Outcome], outcome: Outcome) -> None:
        """Take an outcome from the writer's thread."""
        self._done.append((future, outcome))
        if not self._is_woken:
            self._is_woken = True
            self._loop.call_soon_threadsafe(self._hand_over)

    def _hand_over(self) -> None:
        self._is_woken = False
        while self._done:
            future, outcome = self._done.popleft()
            # A client that hung up has cancelled its future; what it asked for is recorded all the same.
            if not future.done():
                future.set_result(outcome)


class Delivery:
    """Where one order's outcome goes."""

    __slots__ = ("_courier", "_future")

    def __init__(self, courier: Courier, future: Waiting) -> None:
        self._courier = courier
        self._future = future

    def __call__(self, outcome: Answer | Exception) -> None:
        """Deliver it; called from the writer's thread."""
        self._courier.bring(self._future, outcome)


class Collection:
    """Where the outcomes of many orders go, which come in their order; one future has them all."""

    __slots__ = ("_courier", "_future", "_outcomes", "_wanted")

    def __init__(self, courier: Courier, future: asyncio.Future[Sequence[Answer | Exception]], wanted: int) -> None:
        self._courier = courier
        self._future = future
        self._wanted = wanted
        self._outcomes: list[Answer | Exception] = []

    def __call__(self, outcome: Answer | Exception) -> None:
        """Deliver one; called from the writer's thread."""
        self._outcomes.append(outcome)
        if len(self._outcomes) == self._wanted:
            self._courier.bring(self._future, self._outcomes)
