"""Reads a log and prepares its batches in processes of their own, ahead of whoever writes them.

Reading, decoding and preparing (`prepared.py`) cost more than what writing does. So two processes share it: each takes
every second stretch of the log, and the batches are taken from them in turn. They are told on their standard input how
to open the log; what they have prepared comes through pipes, whose size is the bound: they wait while what they sent is
not taken. They touch no file of the views, hold no lock, and end when nobody takes any more.

`python -m deedbook.projections.ahead DESCRIPTOR` is such a process.
"""

import contextlib
import gc
import sys
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import NamedTuple, Self

import msgspec

from deedbook.domain.errors import DeedbookError, StoreFailed, Undecodable
from deedbook.domain.log import EventLog
from deedbook.projections.child import Child, ordered
from deedbook.projections.milestones import EVERY
from deedbook.projections.prepared import Prepared
from deedbook.projections.preparing import prepare

#: Events in a batch: up to a milestone, where a part of it would end anyway.
BATCH = EVERY

#: Processes that read: with the one that writes, two cores are busy all the time.
READERS = 2

#: Bytes of documents and long bodies in a batch: where actions have more to say, the next batch has fewer of them.
WEIGHT = 8 * 1024 * 1024

#: How often it is looked whether what the process reads is still wanted, in seconds.
_LOOK = 0.1


class _Told(NamedTuple):
    """A message of the process: a batch; or why there is none, `failure`; or neither, at the end of the log."""

    batch: Prepared | None = None
    failure: str | None = None


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(_Told)


class Share(NamedTuple):
    """Of the log's stretches, `BATCH` events each, every one whose number is `number` modulo `of`."""

    number: int = 0
    of: int = 1


#: All of it.
WHOLE = Share()


def batches(log: EventLog, share: Share = WHOLE) -> Iterator[Prepared]:
    """Read and prepare a share of a log from its beginning to its end, or to an event that can't be read."""
    position, limit = share.number * BATCH, BATCH
    with contextlib.suppress(Undecodable):
        while happened := log.read(position, min(limit, BATCH - position % BATCH)):
            batch = prepare(happened)
            yield batch
            position = batch.position
            if not position % BATCH:
                position += (share.of - 1) * BATCH
            # No more than twice as many at once: what comes next may say more than what came last.
            limit = max(1, min(BATCH, 2 * limit, len(happened) * WEIGHT // max(1, weight(batch))))


def weight(batch: Prepared) -> int:
    """Return how many bytes a batch has of documents and long bodies, about."""
    return sum(
        sum(map(len, part.begun.documents)) + sum(len(body) for _, body in part.begun.bodies) for part in batch.parts
    )


class Ahead:
    """The batches of a log, prepared elsewhere; leaving the context ends the processes that do so."""

    def __init__(self, reopen: Callable[[], EventLog], readers: int = READERS) -> None:
        """`reopen` opens the log in a process, and can be pickled. Raises `StoreFailed` where none can be started."""
        self._readers: list[_Reader] = []
        try:
            for number in range(readers):
                self._readers.append(_Reader(_Order(reopen, Share(number, readers))))
        except StoreFailed:
            self.__exit__()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for reader in self._readers:
            reader.end()

    def let_go(self) -> None:
        """Take no more: then the processes end, as they do when this one dies."""
        for reader in self._readers:
            reader.let_go()

    def batches(self, abandoned: Callable[[], bool]) -> Iterator[Prepared]:
        """Give the batches of `batches`, soon none more once `abandoned()` says so.

        Raises `StoreFailed` where the log can't be read, or where a process came to nothing.
        """
        position = 0
        while batch := self._readers[position // BATCH % len(self._readers)].next(abandoned):
            yield batch
            position = batch.position


class _Order(NamedTuple):
    """What a process is told: how to open the log, and its share of it."""

    reopen: Callable[[], EventLog]
    share: Share


class _Reader:
    """A process that reads a share of the log."""

    def __init__(self, order: _Order) -> None:
        self._child = Child(__name__, "reads the log", order)

    def next(self, abandoned: Callable[[], bool]) -> Prepared | None:
        """Return the next batch of its share; None at the end of the log, and soon once `abandoned()` says so."""
        while not abandoned():
            told = self._child.told(_DECODER, _LOOK)
            if told is None:
                continue
            if told.failure is not None:
                raise StoreFailed(told.failure)
            return told.batch
        return None

    def let_go(self) -> None:
        """Take no more."""
        self._child.let_go()

    def end(self) -> None:
        """End it, whatever it does."""
        self.let_go()
        self._child.process.kill()
        self._child.process.wait()
        self._child.orders.close()


def main() -> None:
    """Read what standard input says, and tell it through the descriptor that is named."""
    gc.disable()
    # Who takes no more needs no answer.
    with Connection(int(sys.argv[1]), readable=False) as sending, contextlib.suppress(BrokenPipeError):
        order: _Order = ordered()
        message = bytearray()
        for told in _all_told(order):
            _ENCODER.encode_into(told, message)
            sending.send_bytes(message)


def _all_told(order: _Order) -> Iterator[_Told]:
    try:
        for batch in batches(order.reopen(), order.share):
            yield _Told(batch)
        yield _Told()
    except DeedbookError as error:
        yield _Told(failure=str(error))


if __name__ == "__main__":
    main()
