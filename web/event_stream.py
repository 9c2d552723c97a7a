"""One follower's way through the events: from the log where it is behind, then from what all followers share."""

import asyncio
import contextlib
import time
from typing import ClassVar

from deedbook.domain.errors import Undecodable
from deedbook.domain.log import EventLog
from deedbook.web import sse
from deedbook.web.channels import UNREADABLE
from deedbook.web.followers import Follower
from deedbook.web.frames import Frame, Frames
from deedbook.web.tail import HELD, Ring, Tail
from deedbook.web.wanted import Wanted

#: Of the actions that a follower meets on its own way through the log, so many are remembered.
_REMEMBERED = 100


class EventStream:
    """Frames for a WebSocket; `position` is the last event that it has dealt with."""

    #: Whether it needs the resources of events.
    tells: ClassVar[bool] = False

    def __init__(self, log: EventLog, tail: Tail, which: Wanted, after: int) -> None:
        self._log = log
        self._tail = tail
        self._wanted = which
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
                await self.news(ring)
        except Undecodable as error:
            return self._stopped(error)
        finally:
            self._tail.leave(ring, tells=self.tells)

    async def pulse(self, follower: Follower) -> None:
        """Show that the stream is alive, where it is time to: nothing to do here, since the server sends pings."""

    async def news(self, ring: Ring[Frame]) -> None:
        """Wait until there is more, or it is time for a pulse."""
        await ring.moved()

    def text_of(self, frame: Frame) -> str | None:
        """Return what is sent of an event; None where it is not for this form."""
        return frame.text

    async def _send_all(self, follower: Follower, ring: Ring[Frame]) -> None:
        """Send what there is: from the ring, or from the log where this follower is behind the ring."""
        frames: Frames | None = None
        while self.position < ring.head:
            found = ring.after(self.position)
            if found is None or (self.tells and any(frame.resource is None for _, frame in found)):
                frames = frames or Frames(self._log, _REMEMBERED)
                await self._send_old(follower, frames)
                await self.pulse(follower)
                continue
            # What it remembers is as of where it stopped reading.
            frames = None
            for position, frame in found:
                await self._send(follower, frame)
                self.position = position
            if not found:
                self.position = ring.head
            await asyncio.sleep(0)

    async def _send_old(self, follower: Follower, frames: Frames) -> None:
        for happened in self._log.read(self.position, HELD):
            frame = frames.of(happened, tells=self.tells)
            if frame is not None:
                await self._send(follower, frame)
            self.position = happened.position
        await asyncio.sleep(0)

    async def _send(self, follower: Follower, frame: Frame) -> None:
        text = self.text_of(frame) if self._wanted.holds(frame) else None
        if text is not None:
            await follower.send(text)

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
        if self._silence() < sse.HEARTBEAT:
            return
        is_news = self._known != self.position
        text = sse.reached(self.position) if is_news else sse.COMMENT
        if not self._spoke:
            text = sse.begin(self.position if is_news else None)
        self._spoke, self._known = time.monotonic(), self.position
        await follower.send(text)

    async def news(self, ring: Ring[Frame]) -> None:
        """See `EventStream.news`."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ring.moved(), max(0.0, sse.HEARTBEAT - self._silence()))

    def text_of(self, frame: Frame) -> str | None:
        """Return the block of an event, which is sent now."""
        self._spoke, self._known = time.monotonic(), frame.position
        return sse.event(frame)

    def _silence(self) -> float:
        return time.monotonic() - self._spoke
