"""Reads a log and prepares its batches in a process of its own, one ahead of whoever writes them.

Reading, decoding and preparing (`prepared.py`) cost about what writing does, so two cores build views in little more
than half the time of one. The process is told on its standard input how to open the log; what it has prepared comes
through a pipe, whose size is the bound: it waits while what it sent is not taken. It touches no file of the views,
holds no lock, and ends when nobody takes any more.

`python -m deedbook.projections.ahead DESCRIPTOR` is that process.
"""

import contextlib
import gc
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import NamedTuple, Self

import msgspec

from deedbook.domain.errors import DeedbookError, StoreFailed, Undecodable
from deedbook.domain.log import EventLog
from deedbook.projections.milestones import EVERY
from deedbook.projections.prepared import Prepared
from deedbook.projections.preparing import prepare

#: Events in a batch: up to a milestone, where a part of it would end anyway.
BATCH = EVERY

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


def batches(log: EventLog) -> Iterator[Prepared]:
    """Read and prepare a log from the beginning to its end, or to an event that can't be read."""
    position, limit = 0, BATCH
    with contextlib.suppress(Undecodable):
        while happened := log.read(position, limit):
            batch = prepare(happened)
            yield batch
            position = batch.position
            # No more than twice as many at once: what comes next may say more than what came last.
            limit = max(1, min(BATCH, 2 * limit, len(happened) * WEIGHT // max(1, weight(batch))))


def weight(batch: Prepared) -> int:
    """Return how many bytes a batch has of documents and long bodies, about."""
    return sum(
        sum(map(len, part.begun.documents)) + sum(len(body) for _, body in part.begun.bodies) for part in batch.parts
    )


class Ahead:
    """The batches of a log, prepared elsewhere; leaving the context ends the process that does so."""

    def __init__(self, reopen: Callable[[], EventLog]) -> None:
        """`reopen` opens the log in the process, and can be pickled. Raises `StoreFailed` where none can be started."""
        receiving, sending = os.pipe()
        self._receiving = Connection(receiving, writable=False)
        # -P: the folder that this was started in may hold files that are named as our modules.
        command = [sys.executable, "-P", "-m", __name__, str(sending)]
        try:
            # In a group of its own: Ctrl-C in a terminal is for this process to hear, which then ends that one.
            self._process = subprocess.Popen(  # noqa: S603  # nothing of it comes from outside
                command, stdin=subprocess.PIPE, pass_fds=[sending], process_group=0
            )
        except OSError as error:
            self._receiving.close()
            raise StoreFailed(f"No process can be started to read the log ({error.strerror}).") from error
        finally:
            # The process alone has this end, so that its death is an end of file here.
            os.close(sending)
        _give(self._process, pickle.dumps(reopen))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.let_go()
        self._process.kill()
        self._process.wait()

    def let_go(self) -> None:
        """Take no more: then the process ends, as it does when this one dies."""
        self._receiving.close()

    def batches(self, abandoned: Callable[[], bool]) -> Iterator[Prepared]:
        """Give the batches of `batches`, soon none more once `abandoned()` says so.

        Raises `StoreFailed` where the log can't be read, or where the process came to nothing.
        """
        while not abandoned():
            try:
                if not self._receiving.poll(_LOOK):
                    continue
                told = _DECODER.decode(self._receiving.recv_bytes())
            except (EOFError, OSError, msgspec.DecodeError):
                status = self._process.wait()
                raise StoreFailed(
                    f"The process that reads the log ended with status {status}; see to its memory."
                ) from None
            if told.failure is not None:
                raise StoreFailed(told.failure)
            if told.batch is None:
                return
            yield told.batch


def _give(process: subprocess.Popen[bytes], order: bytes) -> None:
    # On standard input, since arguments are for everybody on the machine to see, and what opens a log may be secret.
    # A process that is dead already is found so by whoever wants a batch.
    if process.stdin is not None:
        with contextlib.suppress(BrokenPipeError), process.stdin:
            process.stdin.write(order)


def main() -> None:
    """Read what standard input says, and tell it through the descriptor that is named."""
    gc.disable()
    # Who takes no more needs no answer.
    with Connection(int(sys.argv[1]), readable=False) as sending, contextlib.suppress(BrokenPipeError):
        reopen: Callable[[], EventLog] = pickle.load(sys.stdin.buffer)  # noqa: S301  # from the process that started this
        message = bytearray()
        for told in _all_told(reopen):
            _ENCODER.encode_into(told, message)
            sending.send_bytes(message)


def _all_told(reopen: Callable[[], EventLog]) -> Iterator[_Told]:
    try:
        for batch in batches(reopen()):
            yield _Told(batch)
        yield _Told()
    except DeedbookError as error:
        yield _Told(failure=str(error))


if __name__ == "__main__":
    main()
