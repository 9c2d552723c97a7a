"""A copy of an embedded store that is in use: SQLite's backup of its pages, all from one moment.

The backup API begins anew whenever another process commits between two of its steps, so that under constant recording
it would never end. A read transaction that is held around it keeps to one moment of the log: then the copy goes on
step by step, nobody waits for it, and it ends. What it costs is that the write-ahead log is not reset meanwhile, and
grows by what is recorded. (`VACUUM INTO` keeps to one moment too, but writes every row anew: it takes several times as
long, and the copy has lost the WAL mode.)
"""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from deedbook.domain.errors import StoreFailed
from deedbook.domain.log import Whole
from deedbook.domain.store.archive import Growing
from deedbook.domain.store.placing import new_file
from deedbook.domain.store.sql.archive import leaves
from deedbook.domain.store.sql.rows import counts
from deedbook.domain.store.sqlite.asking import SqliteAsked
from deedbook.domain.store.sqlite.schema import prepare

#: Pages of 4 KiB copied in one step, and how many steps until what was copied is brought to disk. Left to the end, one
#: fsync of a large file holds up those of the log.
_STEP = 256
_STEPS = 64


def back_up(store: Path, place: Path, progress: Callable[[int, int], None]) -> Whole:
    """Copy a store to a new file, durably, and return what is in it; others may use the store meanwhile.

    `progress` is told how many pages are done, and of how many. Raises `StoreUnusable`, `FileTaken`, `StoreFailed`.
    """
    prepare(store)
    with (
        new_file(place) as fresh,
        fresh.open("rb") as written,
        closing(sqlite3.connect(fresh, isolation_level=None)) as copy,
        closing(sqlite3.connect(store, isolation_level=None, timeout=10)) as source,
    ):
        steps = 0

        def step(_status: int, remaining: int, total: int) -> None:
            nonlocal steps
            steps += 1
            if steps % _STEPS == 0:
                os.fdatasync(written.fileno())
            progress(total - remaining, total)

        try:
            source.execute("BEGIN")
            held = counts(SqliteAsked(source))
            # Nobody reads the copy before it is whole, and one that is not is thrown away.
            copy.execute("PRAGMA journal_mode = OFF")
            copy.execute("PRAGMA synchronous = OFF")
            source.backup(copy, pages=_STEP, progress=step)
            head = Growing(leaves(SqliteAsked(source), held.events)).head
        except sqlite3.Error as error:
            raise StoreFailed(f"The store could not be copied ({error}); see to both disks and repeat.") from error
    return Whole(held, head)
