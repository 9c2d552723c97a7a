"""Where the log ends, asked without holding up the event loop where the log is on another machine."""

import asyncio

from deedbook.domain.errors import DeedbookError
from deedbook.domain.log import EventLog
from deedbook.web.turns import Turns


class Heads:
    """Asks a log for its head. Those who ask while a question is under way share the next one, which begins then."""

    def __init__(self, log: EventLog, turns: Turns, loop: asyncio.AbstractEventLoop) -> None:
        self._log = log
        self._turns = turns
        self._loop = loop
        self._next: asyncio.Future[int] | None = None
        self._asking: asyncio.Task[None] | None = None

    async def now(self) -> int:
        """Return the head as it was when this was called, or a later one; raises `StoreFailed`."""
        if not self._log.is_remote:
            return self._turns.head()
        if self._next is None:
            self._next = self._loop.create_future()
            # Whoever asked may be gone when it fails.
            self._next.add_done_callback(lambda done: done.exception())
        if self._asking is None:
            self._asking = self._loop.create_task(self._ask())
        return await asyncio.shield(self._next)

    async def _ask(self) -> None:
        while self._next is not None:
            asked, self._next = self._next, None
            try:
                asked.set_result(await asyncio.to_thread(self._log.head))
            except DeedbookError as error:
                asked.set_exception(error)
        self._asking = None
