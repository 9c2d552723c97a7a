"""Carries commands from the event loop to the writer's thread, and answers back: the loop is woken once a batch."""

import asyncio
from collections import deque
from collections.abc import Sequence

from deedbook.domain.audit_log import AuditLog, Order
from deedbook.domain.commands import Once
from deedbook.domain.results import Answer, Command

Waiting = asyncio.Future[Answer | Exception]


class Courier:
    """Gives commands to an audit log from one event loop."""

    def __init__(self, audit_log: AuditLog, loop: asyncio.AbstractEventLoop) -> None:
        self._audit_log = audit_log
        self._loop = loop
        self._done: deque[tuple[Waiting, Answer | Exception]] = deque()
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
        waiting: list[Waiting] = [self._loop.create_future() for _ in commands]
        self._audit_log.submit(
            [
                Order(command, Delivery(self, future), once)
                for (command, once), future in zip(commands, waiting, strict=True)
            ]
        )
        return [await future for future in waiting]

    def bring(self, future: Waiting, outcome: Answer | Exception) -> None:
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
