"""The process that builds views for a server (`builder.py`): `python -m deedbook.web.building`, its order on stdin."""

import os
import signal
import sqlite3
import sys
import threading

from deedbook.domain.errors import DeedbookError
from deedbook.projections.generations import Claim
from deedbook.projections.rebuild import build
from deedbook.web.builder import Order
from deedbook.web.opening import open_store

#: Recording and reading go first when all processors are busy.
NICENESS = 5

#: Characters of the reason why a build came to nothing, at the most.
_LONGEST = 4_000


def main() -> None:
    """Build as the order says, and end: with status 1 where it came to nothing, and why on standard output.

    The progress of builds says so too, but for a disk that is full.
    """
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    # Ctrl-C in a terminal reaches the whole group: the server hears it too, and ends its children itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(NICENESS)
    order = Order.decoded(sys.stdin.buffer.read())
    try:
        _build(order, stopped)
    except (DeedbookError, sqlite3.Error, OSError) as error:
        # No longer than what a pipe takes in at once: it is read when this is over.
        sys.stdout.write((str(error) or f"It ended with {type(error).__name__}.")[:_LONGEST])
        sys.exit(1)


def _build(order: Order, stopped: threading.Event) -> None:
    store = open_store(order.settings)
    try:
        build(
            store.log,
            store.generations,
            # A server that was killed has nobody else to end its children.
            lambda: stopped.is_set() or os.getppid() != order.parent,
            because=order.because,
            claim=Claim(order.lock, order.generation),
        )
    finally:
        store.close()


if __name__ == "__main__":
    main()
