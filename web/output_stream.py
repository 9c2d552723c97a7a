"""One follower's way through an action's output: live over a WebSocket, or all of it as the body of an answer."""

import asyncio
from collections.abc import Callable, Iterable
from typing import NamedTuple
from uuid import UUID

import msgspec
from msgspec import Struct

from deedbook.domain.log import EventLog
from deedbook.domain.output import OutputLine
from deedbook.web.channels import UNREADABLE, WHOLE
from deedbook.web.followers import Follower
from deedbook.web.frames import log_frame
from deedbook.web.lines import one_line
from deedbook.web.ring import Block, blocks
from deedbook.web.sought import Sought
from deedbook.web.tail import HELD, Output, Tail

#: What a replay sends at once: about so many characters, and no more lines. A page of lines is all that it holds.
_PIECE = 64 * 1024
_LINES = 256

_EVERY = Sought()

_ENCODER = msgspec.json.Encoder()


class OutputAsked(NamedTuple):
    """What is asked for: lines behind `after`, those that there were (`end`) and, to follow, more."""

    action: UUID
    after: int
    end: int
    follow: bool = False


class OutputStream:
    """Sends frames; `line` is the last that was sent."""

    def __init__(self, log: EventLog, tail: Tail, asked: OutputAsked) -> None:
        self._log = log
        self._tail = tail
        self._asked = asked
        self.line = asked.after

    async def run(self, follower: Follower) -> tuple[int, str]:
        """Send until the action has ended and all its lines are out; without `follow`, until those there are.

        Where a line that was there is gone, say that it can't go on.
        """
        ring = self._tail.follow_output(self._asked.action)
        try:
            while True:
                await self._send_all(follower, ring)
                if self._is_behind(ring):
                    return UNREADABLE, f"there is no line behind {self.line}"
                if not self._asked.follow:
                    return WHOLE, "these are the lines that there are"
                if ring.ended is not None and self.line >= ring.ended:
                    return WHOLE, "the action has ended"
                await ring.moved()
        finally:
            self._tail.leave(ring)

    async def _send_all(self, follower: Follower, ring: Output) -> None:
        """Send what there is; that is less than there must be where somebody took lines away."""
        before = -1
        while self._is_behind(ring) and self.line != before:
            before = self.line
            for block in self._next(ring):
                await follower.send(block.data)
                self.line = block.last
            if self._is_behind(ring):
                await asyncio.sleep(0)

    def _is_behind(self, ring: Output) -> bool:
        return self.line < max(ring.head, ring.ended or 0, self._asked.end)

    def _next(self, ring: Output) -> Iterable[Block]:
        """Return a few lines: from the ring, or from the log where they are not, or not yet, in the ring."""
        found = ring.after(self.line, bytes)
        if found is not None and found.sent is not None:
            return (found,)
        old = self._log.output(self._asked.action, self.line, HELD)
        return blocks((line.line, log_frame(line)) for line in old)


class Replay:
    """Sends the lines that there are, page by page, the next one only when the client took the last."""

    def __init__(
        self, log: EventLog, asked: OutputAsked, written: Callable[[OutputLine], bytes], which: Sought = _EVERY
    ) -> None:
        self._log = log
        self._asked = asked
        self._written = written
        self._which = which
        self._left = which.most
        # What is looked through is read, and not sent, by the mebibyte; what is sent waits for its client.
        self._piece, self._lines = (_PIECE, _LINES) if which.is_all else (16 * _PIECE, 16 * _LINES)
        self._page = HELD
        self.line = asked.after

    async def run(self, follower: Follower) -> tuple[int, str]:
        """Send all; where a line that was there is gone, say that it is not whole."""
        while self.line < self._asked.end and self._left != 0:
            # In a thread: what is old is on a disk. Each page borrows one, so that a client that waits holds none.
            last, piece = await asyncio.to_thread(self._next)
            if last == self.line:
                return UNREADABLE, f"there is no line behind {self.line}"
            if piece:
                await follower.send(piece)
            self.line = last
        return WHOLE, "these are the lines that there are"

    def _next(self) -> tuple[int, bytes]:
        found = self._log.output(self._asked.action, self.line, min(self._page, self._asked.end - self.line))
        # Up to a hole: what stands behind one must not look as if it were the next line.
        lines = [line for number, line in enumerate(found, self.line + 1) if line.line == number]
        size = sum(len(line.text) + 1 for line in lines)
        if size:
            # The next page is as large as this one says that it may be: lines differ by a factor of ten thousand.
            self._page = max(1, min(self._lines, self._piece * len(lines) // size))
        wanted = [line for line in lines if self._which.holds(line)][: self._left]
        if self._left is not None:
            self._left -= len(wanted)
        return lines[-1].line if lines else self.line, b"".join(map(self._written, wanted))


class OutputEntry(Struct):
    """A line of output; `line` is its number from 1, for `after=`; `timestamp` in whole seconds."""

    line: int
    timestamp: int
    log: str


def as_text(line: OutputLine) -> bytes:
    """Return a line of output as a line of plain text."""
    return f"{line.text}\n".encode()


def as_ndjson(line: OutputLine) -> bytes:
    """Return a line of output as a line of NDJSON."""
    return b"%b\n" % one_line(_ENCODER.encode(OutputEntry(line.line, line.timestamp, line.text)))
