"""The last of what is numbered in order, kept once for all who follow it, and handed out as bytes that are ready.

Followers that stand at the same place and want the same are given the same bytes: of a crowd, each is joined once.
"""

import asyncio
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from operator import itemgetter
from typing import Generic, NamedTuple, TypeVar

from deedbook.domain.errors import StoreFailed, Undecodable

#: Bytes that a follower is given at once: with those that it does not read, what it costs. One entry may be longer.
BLOCK = 16 * 1024

#: Entries that are looked at for a block, before others get their turn in the loop.
_LOOKED = 500

#: Blocks that a ring remembers: where most of a crowd stands.
_BLOCKS = 64

#: What a ring keeps at the most: entries, and bytes in them.
_ENTRIES = 10_000
_BYTES = 4 * 1024 * 1024

Entry = TypeVar("Entry")


class Block(NamedTuple):
    """What is sent at once: it reaches `last`; `sent` is the last entry that is in it, None where none was wanted."""

    last: int
    sent: int | None
    data: bytes


def blocks(pieces: Iterable[tuple[int, bytes | None]]) -> Iterator[Block]:
    """Join numbered pieces, of which those that are not wanted are None, to blocks of at most `BLOCK` bytes.

    What comes before a piece that can't be made is given first; then `Undecodable` is raised.
    """
    parts: list[bytes] = []
    size, last, sent = 0, None, None
    failure = None
    try:
        for number, piece in pieces:
            if piece is not None:
                if parts and last is not None and size + len(piece) > BLOCK:
                    yield Block(last, sent, b"".join(parts))
                    parts, size, sent = [], 0, None
                parts.append(piece)
                size += len(piece)
                sent = number
            last = number
    except Undecodable as error:
        failure = error
    if last is not None:
        yield Block(last, sent, b"".join(parts))
    if failure is not None:
        raise failure


class Ring(Generic[Entry]):
    """The last entries, and a way to wait for more. It holds all that there is behind `low`, up to `head`."""

    def __init__(self, head: int) -> None:
        self.low = self.head = head
        self.followers = 0
        #: Bytes that were added in all.
        self.added = 0
        self._entries: deque[tuple[int, Entry, int]] = deque()
        self._size = 0
        self._blocks: dict[tuple[int, Hashable], Block] = {}
        self._news = asyncio.Event()
        self._failure: str | None = None

    def add(self, number: int, entry: Entry, size: int) -> None:
        """Add an entry behind the head; `size` is how many bytes it counts for."""
        self.reach(number)
        self._entries.append((number, entry, size))
        self._size += size
        self.added += size
        while len(self._entries) > _ENTRIES or (self._size > _BYTES and len(self._entries) > 1):
            self.low, _, gone = self._entries.popleft()
            self._size -= gone

    def reach(self, number: int) -> None:
        """Move the head: up to it there is nothing more."""
        self.head = number
        self._blocks.clear()

    def after(self, number: int, form: Callable[[Entry], bytes | None]) -> Block | None:
        """Return what is first behind `number`, which is before the head; None where some of it is no longer here.

        `form` makes bytes of an entry, None where it is not wanted; equal ones make the same.
        """
        if number < self.low:
            return None
        block = self._blocks.get((number, form))
        if block is None:
            if len(self._blocks) >= _BLOCKS:
                self._blocks.clear()
            block = self._blocks[number, form] = self._joined(number, form)
        return block

    def _joined(self, number: int, form: Callable[[Entry], bytes | None]) -> Block:
        start = bisect_right(self._entries, number, key=itemgetter(0))
        places = range(start, min(start + _LOOKED, len(self._entries)))
        entries = (self._entries[place] for place in places)
        return next(blocks((number, form(entry)) for number, entry, _ in entries), Block(self.head, None, b""))

    def wake(self) -> None:
        """Let those who wait look again."""
        self._news.set()
        self._news.clear()

    def fail(self, why: str) -> None:
        """Let those who wait, now or later, hear why nothing more comes."""
        self._failure = why
        self.wake()

    async def moved(self) -> None:
        """Wait for the next `wake`; raises `StoreFailed` where nothing more comes."""
        if self._failure is None:
            await self._news.wait()
        if self._failure is not None:
            raise StoreFailed(self._failure)
