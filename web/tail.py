"""Follows the log inside the event loop, once for all followers of this process.

What is new is read once, made to bytes once, and kept in short rings; each follower takes from them at its own pace.
One that fell behind its ring reads the log itself: so nothing is dropped, and nothing grows with a follower's slowness.
"""

import asyncio
import contextlib
import logging
from collections.abc import Iterable
from uuid import UUID

from deedbook.domain.errors import DeedbookError, StoreFailed, Undecodable
from deedbook.domain.events import ActionEnded, ActionRecorded, Event
from deedbook.domain.lifecycle import FINAL
from deedbook.domain.log import EventLog, Happened
from deedbook.web import sse
from deedbook.web.frames import Frame, Frames, log_frame
from deedbook.web.ring import BLOCK, Ring

#: How long an event of another process may go unseen, in seconds. In this process the writer wakes the tail.
POLL = 0.025

#: Events or lines read at once, before others get their turn in the loop.
PAGE = 500

#: How often followers look whether they were silent too long, in the time after which they say something.
_PULSES = 10

#: Entries that a follower which is behind reads at once.
HELD = 16

_log = logging.getLogger(__name__)


class Output(Ring[bytes]):
    """The last lines of one action's output; `ended` is the number of all its lines, once it has ended."""

    ended: int | None = None


def _lines_at_the_end(history: Iterable[Event]) -> int | None:
    """Return how many lines an action's output has in all, None while it has not ended."""
    for event in history:
        if isinstance(event, ActionEnded) or (isinstance(event, ActionRecorded) and event.state in FINAL):
            return event.lines
    return None


class Tail:
    """Reads what is new, for the rings that somebody follows, while somebody does."""

    def __init__(self, log: EventLog, loop: asyncio.AbstractEventLoop) -> None:
        self._log = log
        self._loop = loop
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._frames = Frames(log)
        self._sequence = 0
        self._outputs: dict[UUID, Output] = {}
        self.events: Ring[Frame] = Ring(0)
        self._told = 0
        #: Behind it the frames of the ring have their resources, as long as somebody is told them.
        self.told_behind = 0
        #: The event that can't be read, where the tail stands still.
        self.stopped: Undecodable | None = None

    def follow_events(self, *, tells: bool = False) -> Ring[Frame]:
        """Return the ring of all events, which is kept until `leave`; `tells`: new ones come with their resource."""
        self._begin()
        self.events.followers += 1
        if tells and not self._told:
            self.told_behind = self.events.head
        self._told += tells
        return self.events

    def follow_output(self, action: UUID) -> Output:
        """Return the ring of an action's output, which is kept until `leave`.

        Raises `Undecodable` where an event of the action can't be read, `StoreFailed` where the log can't.
        """
        self._begin()
        try:
            ring = self._outputs.get(action) or self._ring_of(action)
        except DeedbookError:
            self._rest()
            raise
        self._outputs[action] = ring
        ring.followers += 1
        return ring

    def leave(self, ring: "Ring[Frame] | Output", *, tells: bool = False) -> None:
        """Give a ring back."""
        ring.followers -= 1
        self._told -= tells
        if not ring.followers:
            self._outputs = {action: output for action, output in self._outputs.items() if output.followers}
        self._rest()

    def _rest(self) -> None:
        """Read no more where nobody follows."""
        if not self._outputs and not self.events.followers and self._task is not None:
            self._task.cancel()
            self._task = None

    def wake(self) -> None:
        """Look for news at once; may be called from any thread."""
        if self._task is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._woken.set)

    def _begin(self) -> None:
        if self._task is None:
            self._sequence = self._log.output_head()
            self._frames = Frames(self._log)
            self.events = Ring(self._log.head())
            self.stopped = None
            self._task = self._loop.create_task(self._run())

    def _ring_of(self, action: UUID) -> Output:
        ring = Output(self._log.output_end(action).lines)
        # Read after the ring was made: an end that comes later is seen by the tail.
        ring.ended = _lines_at_the_end(one.event for one in self._log.history(action))
        return ring

    async def _run(self) -> None:
        try:
            await self._follow()
        except Exception as error:  # noqa: BLE001  # whatever it is, who follows would wait for ever for one that died unseen
            _log.exception("The streams break off.")
            self._task = None
            why = f"What is new could not be read ({type(error).__name__}: {error}); repeat."
            self.events.fail(why)
            for ring in self._outputs.values():
                ring.fail(why)
            # Whoever comes now begins anew.
            self._outputs = {}

    async def _follow(self) -> None:
        seen = -1
        pulse = 0.0
        while True:
            try:
                changes = self._log.changes()
                if changes != seen:
                    await self._read_output()
                    await self._read_events()
                    seen = changes
            except StoreFailed as error:
                _log.warning("The streams stand still: %s", error)
                await asyncio.sleep(1)
            # Not `wait_for`, which before Python 3.12 may take a cancellation for the timeout.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL):
                    await self._woken.wait()
            self._woken.clear()
            if self._told and self._loop.time() - pulse > sse.HEARTBEAT / _PULSES:
                # One clock for all: a timer for each follower and event cost a quarter of what sending it did.
                pulse = self._loop.time()
                self.events.wake()

    async def _read_output(self) -> None:
        while lines := self._log.new_output(self._sequence, PAGE):
            touched = set()
            for sequence, line in lines:
                self._sequence = sequence
                ring = self._outputs.get(line.action)
                if ring is not None and line.line > ring.head:
                    frame = log_frame(line)
                    ring.add(line.line, frame, len(frame))
                    touched.add(ring)
            for ring in touched:
                ring.wake()
            await _turns(sum(len(line.text) for _, line in lines))

    async def _read_events(self) -> None:
        while self.stopped is None:
            before = self.events.added
            try:
                happened = self._log.read(self.events.head, PAGE)
            except Undecodable as error:
                self.stopped = error
                happened = []
            for one in happened:
                self._take_in(one)
            if happened or self.stopped:
                self.events.wake()
            if not happened:
                return
            await _turns(self.events.added - before)

    def _take_in(self, one: Happened) -> None:
        if self.stopped is not None:
            return
        if isinstance(one.event, ActionEnded) and (output := self._outputs.get(one.aggregate)):
            output.ended = one.event.lines
            output.wake()
        try:
            frame = self._frames.of(one, tells=self._told > 0)
        except Undecodable as error:
            # It, or what it goes on from, can't be read: for who comes after that is the same.
            self.stopped = Undecodable(one.position, error.reason)
            return
        if frame is None:
            self.events.reach(one.position)
        else:
            self.events.add(one.position, frame, frame.size)


async def _turns(size: int) -> None:
    """Give others as many turns as a follower needs for so many bytes: who takes a block in each stays in its ring."""
    for _ in range(1 + size // BLOCK):
        await asyncio.sleep(0)
