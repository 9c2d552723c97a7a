"""One follower's way through the events: from the log where it is behind, then from what all followers share."""

import asyncio
import time
from collections.abc import Iterator
from typing import ClassVar

from msgspec import Struct

from deedbook.domain.errors import Undecodable
from deedbook.domain.log import EventLog
from deedbook.web import sse
from deedbook.web.channels import UNREADABLE
from deedbook.web.followers import Follower
from deedbook.web.frames import Frame, Frames
from deedbook.web.ring import Block, Ring, blocks
from deedbook.web.tail import HELD, Tail
from deedbook.web.wanted import Wanted

#: Of the actions that a follower meets on its own way through the log, so many are remembered.
_REMEMBERED = 100


class _Form(Struct, frozen=True):
    """What a follower is sent of an event: None where it is not wanted, or not for this form."""

    which: Wanted
    tells: bool

    def __call__(self, frame: Frame) -> bytes | None:
        if not self.which.holds(frame):
            return None
        return frame.told if self.tells else frame.message


class EventStream:
    """Frames for a WebSocket; `position` is the last event that it has dealt with."""

    #: Whether it tells the resources of events.
    tells: ClassVar[bool] = False

    def __init__(self, log: EventLog, tail: Tail, which: Wanted, after: int) -> None:
        self._log = log
        self._tail = tail
        self._form = _Form(which, self.tells)
        self.position = after

    async def run(self, follower: Follower) -> tuple[int, str]:
        """Send until the client goes; return the close that tells why it ends here."""
        ring = self._tail.follow_events(tells=self.tells)
        try:
            while True:
                await self.pulse(follower)
                await self._send_all(follower, ring)
                if self._tail.stopped is not None and self.position >= self._tail.stopped.position - 1:
                    return self._stopped(self._tail.stopped)
                await ring.moved()
        except Undecodable as error:
            return self._stopped(error)
        finally:
            self._tail.leave(ring, tells=self.tells)

    async def pulse(self, follower: Follower) -> None:
        """Show that the stream is alive, where it is time to: nothing to do here, since the server sends pings."""

    def note(self, sent: int) -> None:
        """Take note that the event at `sent` is the last that is sent now."""

    async def _send_all(self, follower: Follower, ring: Ring[Frame]) -> None:
        """Send what there is: from the ring, or from the log where this follower is behind the ring."""
        frames: Frames | None = None
        while self.position < ring.head:
            found = ring.after(self.position, self._form) if self._is_told_in_ring() else None
            if found is None:
                frames = frames or Frames(self._log, _REMEMBERED)
                for block in self._old(frames):
                    await self._send(follower, block)
                await self.pulse(follower)
            else:
                # What it remembers is as of where it stopped reading.
                frames = None
                await self._send(follower, found)
            if self.position < ring.head:
                await asyncio.sleep(0)

    def _is_told_in_ring(self) -> bool:
        return not self._form.tells or self.position >= self._tail.told_behind

    def _old(self, frames: Frames) -> Iterator[Block]:
        happened = self._log.read(self.position, HELD)
        made = ((one.position, frames.of(one, tells=self._form.tells)) for one in happened)
        return blocks((position, None if frame is None else self._form(frame)) for position, frame in made)

    async def _send(self, follower: Follower, block: Block) -> None:
        if block.sent is not None:
            self.note(block.sent)
            await follower.send(block.data)
        self.position = block.last

    def _stopped(self, error: Undecodable) -> tuple[int, str]:
        where = f"resume with after={self.position}"
        return UNREADABLE, f"the event at position {error.position} can't be read here; {where}"


class ServerSentEvents(EventStream):
    """The same as server-sent events: resources, and after a while of silence how far it has come."""

    tells = True

    def __init__(self, log: EventLog, tail: Tail, which: Wanted, after: int | None, head: int) -> None:
        """Go on behind `after`, or from `head` on where it is None."""
        super().__init__(log, tail, which, head if after is None else after)
        self._known = after
        self._spoke = 0.0

    async def pulse(self, follower: Follower) -> None:
        """Say from where on it tells; then, after a silence, how far it has come or just something."""
        if time.monotonic() - self._spoke < sse.HEARTBEAT:
            return
        is_news = self._known != self.position
        piece = sse.reached(self.position) if is_news else sse.COMMENT
        if not self._spoke:
            piece = sse.begin(self.position if is_news else None)
        self._spoke, self._known = time.monotonic(), self.position
        await follower.send(piece)

    def note(self, sent: int) -> None:
        """See `EventStream.note`."""
        self._spoke, self._known = time.monotonic(), sent
