"""Where the log ends, asked without holding up the event loop where the log is on another machine."""

import asyncio

from deedbook.domain.errors import DeedbookError
from deedbook.domain.log import EventLog


class Heads:
    """Asks a log for its head: one that answers at once, once for all who ask in a turn of the event loop (`turns.py`).

    Of one on another machine, those who ask while a question is under way share the next one, which begins then.
    """

    def __init__(self, log: EventLog, loop: asyncio.AbstractEventLoop) -> None:
        self._log = log
        self._loop = loop
        self._of_turn: int | None = None
        self._next: asyncio.Future[int] | None = None
        self._asking: asyncio.Task[None] | None = None

    async def now(self) -> int:
        """Return a head that has all that whoever asks can have heard of by now; raises `StoreFailed`."""
        if not self._log.is_remote:
            if self._of_turn is None:
                self._of_turn = self._log.head()
                self._loop.call_soon(self._forget)
            return self._of_turn
        if self._next is None:
            self._next = self._loop.create_future()
            # Whoever asked may be gone when it fails.
            self._next.add_done_callback(lambda done: done.exception())
        if self._asking is None:
            self._asking = self._loop.create_task(self._ask())
        return await asyncio.shield(self._next)

    def _forget(self) -> None:
        self._of_turn = None

    async def _ask(self) -> None:
        while self._next is not None:
            asked, self._next = self._next, None
            try:
                asked.set_result(await asyncio.to_thread(self._log.head))
            except DeedbookError as error:
                asked.set_exception(error)
        self._asking = None
