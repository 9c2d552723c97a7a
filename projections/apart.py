"""Folding in a process of its own, which shares no interpreter with recording: for as long as much is recorded.

The process is a child of the one that leads (`runner.py`). A pickle on its standard input says how to open the log and
which file to fold into; a byte behind that, that it may begin, and each further one that somebody waits. What it has
done it tells through a pipe. It inherits the lock of who leads, so that nobody else leads while it lives, and ends with
the transaction under way when its standard input ends, as it does when its parent dies.

`python -m deedbook.projections.apart DESCRIPTOR` is such a process.
"""

import contextlib
import gc
import os
import select
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from enum import StrEnum
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import msgspec

from deedbook.domain.errors import DeedbookError, StoreFailed, Undecodable
from deedbook.domain.log import EventLog
from deedbook.projections.child import Child, ordered
from deedbook.projections.following import Following
from deedbook.projections.versions import Damaged, is_damage
from deedbook.projections.view import Views, connect

#: New objects between two looks of the garbage collector: a batch makes some ten thousand, and no garbage of its kind.
#: Measured with the usual 700: a sixth of the time of a fold.
_GARBAGE = 200_000

#: How long the transaction that is under way may take when the process is to end, in seconds.
_ENDING = 1.0


class _End(StrEnum):
    """Why the process ended by itself: what it could not go on with."""

    DAMAGED = "the file is damaged"
    FILE = "the file can't be written"
    LOG = "the log can't be read"


_RAISED: Mapping[_End, Callable[[str], Exception]] = {
    _End.DAMAGED: Damaged,
    _End.FILE: sqlite3.OperationalError,
    _End.LOG: StoreFailed,
}


class _Told(NamedTuple):
    """What the process tells: the position of its views, None before it has begun; or why it ended.

    stopped_at is the position of an event that can't be read, `reason` says why, as it does of every other end.
    """

    position: int | None = None
    stopped_at: int | None = None
    end: _End | None = None
    reason: str = ""


class _Order(NamedTuple):
    """What the process is told: how to open the log, the file, and how long to wait between two looks."""

    reopen: Callable[[], EventLog]
    path: Path
    pace: float


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(_Told)


class Apart:
    """A process that folds into a file of views, seen from the one that leads."""

    def __init__(self, log: EventLog, path: Path, pace: float, lock: int) -> None:
        """Start it; it takes a third of a second to be ready. `lock` is the descriptor of the lock that it inherits.

        Raises `StoreFailed` where no process can be started.
        """
        self._waking = threading.Lock()
        order = _Order(log.elsewhere(), path, pace)
        self._child = Child(__name__, "folds the views", order, inherited=[lock])
        os.set_blocking(self._child.orders.fileno(), False)

    @property
    def pid(self) -> int:
        """Its number."""
        return self._child.process.pid

    def wake(self) -> None:
        """Let it begin, or look at once: somebody waits. From any thread."""
        with self._waking:
            orders = self._child.orders
            if not orders.closed:
                # One that is full of such bytes wakes up anyway; one that is dead is found so by `next`.
                with contextlib.suppress(BlockingIOError, BrokenPipeError):
                    os.write(orders.fileno(), b"\n")

    def is_ready(self) -> bool:
        """Tell whether it may begin: it has the file open, and waits to be woken; also where it came to nothing."""
        return self._child.has_told()

    def next(self, timeout: float) -> int | None:
        """Return the position that it tells within `timeout` seconds, None where it tells nothing.

        Raises `Undecodable` where it met an event that can't be read, sqlite3.Error where it can't fold into the file
        (`Damaged` for good), and `StoreFailed` where it can't read the log, or died.
        """
        told = self._child.told(_DECODER, timeout)
        if told is None:
            return None
        if told.stopped_at is not None:
            raise Undecodable(told.stopped_at, told.reason)
        if told.end is not None:
            raise _RAISED[told.end](told.reason)
        return told.position

    def end(self) -> None:
        """Let it finish its transaction, and return when it is gone; what takes too long is undone."""
        with self._waking:
            self._child.orders.close()
        try:
            self._child.process.wait(_ENDING)
        except subprocess.TimeoutExpired:
            self._child.process.kill()
            self._child.process.wait()
        self._child.let_go()


class _Orders:
    """What comes on standard input behind the order: bytes that say to look, and the end."""

    def __init__(self) -> None:
        self._are_over = False

    def are_over(self) -> bool:
        """Tell whether the process is to end."""
        return self.wait(0)

    def wait(self, seconds: float | None) -> bool:
        """Return when there is a byte, or the end, or after some seconds; tell whether it is the end."""
        if not self._are_over and select.select([0], [], [], seconds)[0]:
            self._are_over = not os.read(0, 65_536)
        return self._are_over


def main() -> None:
    """Fold as standard input says, and tell it through the descriptor that is named."""
    # It ends with its parent, which hears of these too.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    gc.freeze()
    gc.set_threshold(_GARBAGE)
    # Who hears no more needs no answer.
    with Connection(int(sys.argv[1]), readable=False) as sending, contextlib.suppress(BrokenPipeError):

        def tell(told: _Told) -> None:
            sending.send_bytes(_ENCODER.encode(told))

        try:
            _follow(tell)
        except Undecodable as error:
            tell(_Told(stopped_at=error.position, reason=error.reason))
        except sqlite3.Error as error:
            tell(_Told(end=_End.DAMAGED if is_damage(error) else _End.FILE, reason=str(error)))
        except (DeedbookError, OSError) as error:
            tell(_Told(end=_End.LOG, reason=str(error)))


def _follow(tell: Callable[[_Told], None]) -> None:
    order: _Order = ordered()
    log, orders = order.reopen(), _Orders()
    # Open before the other one closes it, so that the file's journals stay the ones that they are.
    held = connect(order.path)
    held.execute("SELECT count(*) FROM tracking").fetchone()
    tell(_Told())
    if orders.wait(None):
        return
    views = Views(order.path, must_exist=True)
    try:
        held.close()
        following = Following(log, views, lambda position: tell(_Told(position)), orders.are_over)
        tell(_Told(views.tracking.position))
        while not orders.are_over():
            following.catch_up()
            orders.wait(order.pace)
    finally:
        views.close()


if __name__ == "__main__":
    main()
