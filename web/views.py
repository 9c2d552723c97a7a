"""Reads never go back in time: a query waits until the views have what was in the log when it arrived."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from enum import Enum
from functools import partial
from typing import TypeVar

from deedbook.domain.errors import StoreFailed, Unavailable
from deedbook.domain.log import EventLog
from deedbook.projections.deadline import TooMuch
from deedbook.projections.generations import ViewsMissing
from deedbook.projections.reader import Reader, Snapshot
from deedbook.projections.runner import Runner
from deedbook.projections.view import Tracking
from deedbook.web.heads import Heads
from deedbook.web.problems import bad
from deedbook.web.turns import Turns

#: How long a query waits for its view, in seconds.
PATIENCE = 2.0

#: How often one that waits looks again, when another process projects. In this process it is woken.
_LOOK = 0.01

#: How long a question whose cost is not known may hold up the event loop, in seconds, before it goes to a thread.
_TRY = 0.002

Found = TypeVar("Found")

#: What was found, the position that it is of, and its lag in seconds or None.
Seen = tuple[Found, int, int | None]


class Cost(Enum):
    """What is known of a question before it is asked: it takes what a page takes, or long, or neither is known."""

    FLAT = "flat"
    UNKNOWN = "unknown"
    LONG = "long"


class ViewsBehind(Unavailable):
    """The views did not reach the log's head in time; `failure` is why they can't, where that is known."""

    def __init__(self, failure: str | None = None) -> None:
        why = "" if failure is None else f", and can't be kept up with it ({failure.rstrip('.')})"
        super().__init__(f"The views are behind the log{why}; repeat in a second.")


class CaughtUpViews:
    """The views, as of the log's head when they are asked."""

    def __init__(self, log: EventLog, reader: Reader, runner: Runner, loop: asyncio.AbstractEventLoop) -> None:
        self._log = log
        self._reader = reader
        self._runner = runner
        self._turns = Turns(reader, loop)
        self._heads = Heads(log, loop)
        self._loop = loop
        self._moved = asyncio.Event()
        self.position = 0
        runner.on_progress.append(self._on_progress)

    def reached(self) -> int:
        """Return the position that the views have reached, as far as it can be told."""
        with contextlib.suppress(Unavailable):
            self.position = self._reader.tracking().position
        return self.position

    async def ask(
        self,
        question: Callable[[Snapshot], Found],
        as_of: int | None = None,
        *,
        at_least: int | None = None,
        is_quick: bool = True,
    ) -> Seen[Found]:
        """Answer a question from the views; return what was found, its position, and its lag in seconds or None.

        One as of a position waits for no more than that; and one for which a position is enough, `at_least`, without
        asking the log. One that is not quick is asked in a thread, so that it holds up nobody. Raises `Unavailable`
        where the views are more than 2 s behind. Where views stopped at an event, or the log can't be asked, they
        answer as they are, with a lag.
        """
        enough = at_least if as_of is None else as_of
        head = await self._head() if enough is None else enough
        deadline = time.monotonic() + PATIENCE
        while True:
            failure: Unavailable | None = None
            try:
                look = partial(self._look, question, head)
                seen = self._turns.ask(look) if is_quick else await asyncio.to_thread(self._in_a_thread, look)
            except ViewsMissing as missing:
                # Built from a short log, deleted or damaged ones are back before anybody notices.
                seen, failure = None, missing
            if seen is not None:
                found, self.position, lag = seen
                return found, self.position if as_of is None else min(as_of, self.position), lag
            if time.monotonic() < deadline:
                await self._wait()
            elif enough is None and head is not None and await self._head() is None:
                # Since it told its head the log fell silent, so that the views can't reach that.
                head = None
            else:
                await self._check(at_least)
                raise failure or ViewsBehind(self._runner.failure)

    async def weigh(
        self,
        question: Callable[[Snapshot, float | None], Found],
        cost: Cost,
        as_of: int | None = None,
        *,
        at_least: int | None = None,
    ) -> Seen[Found]:
        """Answer a question as `ask` does, in a thread only where it must be; it is told its bound in seconds, or None.

        A thread costs as much as a short answer. So what may be short is tried at once, and given up when it is not.
        """
        if cost is Cost.UNKNOWN:
            with contextlib.suppress(TooMuch):
                return await self.ask(lambda snapshot: question(snapshot, _TRY), as_of, at_least=at_least)
        is_quick = cost is Cost.FLAT
        return await self.ask(lambda snapshot: question(snapshot, None), as_of, at_least=at_least, is_quick=is_quick)

    def _look(self, question: Callable[[Snapshot], Found], head: int | None, snapshot: Snapshot) -> Seen[Found] | None:
        """Answer a question where the views have reached a head, or won't; else None."""
        lag = self._lag(snapshot.tracking, head)
        if lag is None and head is not None and snapshot.tracking.position < head:
            return None
        return question(snapshot), snapshot.tracking.position, lag

    def _in_a_thread(self, look: Callable[[Snapshot], Found]) -> Found:
        with self._reader.snapshot() as snapshot:
            return look(snapshot)

    async def _check(self, at_least: int | None) -> None:
        """Raise the 400 of a position that no answer can have told."""
        head = None if at_least is None else await self._head()
        if at_least is not None and head is not None and at_least > head:
            raise bad(f"Deedbook-Position is {at_least}, but the log ends at position {head} so far.")

    async def _head(self) -> int | None:
        try:
            return await self._heads.now()
        except StoreFailed:
            return None

    def _lag(self, tracking: Tracking, head: int | None) -> int | None:
        """Return for how long the first event that is not in the answer has been there; None where it waits for it."""
        if head is None:
            since = tracking.recorded
        elif tracking.stopped_at is not None and tracking.position < head:
            since = self._log.recorded(tracking.position + 1) or tracking.recorded
        else:
            return None
        return max(1, round(time.time() - since / 1_000_000))

    async def _wait(self) -> None:
        self._moved.clear()
        self._runner.wake()
        # Not `wait_for`, which before Python 3.12 may take a cancellation for the timeout.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LOOK):
                await self._moved.wait()

    def _on_progress(self, _position: int) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._moved.set)
