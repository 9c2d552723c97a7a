"""The process that builds views for a server (`builder.py`): `python -m deedbook.web.building`, its order on stdin."""

import os
import signal
import sqlite3
import sys
import threading

import msgspec

from deedbook.domain.errors import DeedbookError
from deedbook.projections.generations import Claim
from deedbook.projections.rebuild import build
from deedbook.web.builder import Order
from deedbook.web.opening import open_store

#: Recording and reading go first when all processors are busy.
NICENESS = 5


def main() -> None:
    """Build as the order says, and end; why it came to nothing, everybody can read in the progress of builds."""
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    # Ctrl-C in a terminal reaches the whole group: the server hears it too, and ends its children itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(NICENESS)
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
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
    except (DeedbookError, sqlite3.Error, OSError):
        sys.exit(1)
    finally:
        store.close()


if __name__ == "__main__":
    main()
