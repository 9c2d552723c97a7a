"""A bound on the time that a question takes: what nobody can wait for is stopped, and says so."""

import gc
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event

from sqlite_utils import Database

from deedbook.domain.errors import Unavailable

#: Seconds that a question may take whose cost can't be told before.
PATIENCE = 3.0

#: The same where one has asked to have all counted. Measured: what a common word finds takes 0.3 s, of a million.
EXACTLY = 10.0

#: VM instructions of SQLite between two looks at the clock: a tenth of a millisecond.
_LOOK = 10_000


class TooMuch(Unavailable):
    """A question was stopped that would have read too much."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"The answer took more than {seconds:g} s to find; ask for less, by another filter or a date.")


@contextmanager
def deadline(db: Database, seconds: float, closing: Event) -> Iterator[None]:
    """Stop what is asked of a connection inside the block after some time, or at closing; then raises `TooMuch`."""
    end = time.monotonic() + seconds
    db.conn.set_progress_handler(lambda: time.monotonic() > end or closing.is_set(), _LOOK)
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            _forget_statements(db.conn)
            raise TooMuch(seconds) from error
        raise
    finally:
        db.conn.set_progress_handler(None, 0)


def _forget_statements(connection: sqlite3.Connection) -> None:
    """Have each statement of a connection prepared once more, when it is asked next.

    One that was stopped between two rows would be prepared each time from then on, which takes 20 to 40 µs: Python 3.11
    takes it to be under way for as long as the connection lives (its `in_use`, which is gone in 3.12).
    """
    if sys.version_info < (3, 12):
        for held in gc.get_referents(connection):
            if hasattr(held, "cache_clear"):
                held.cache_clear()
