"""Changing a store behind its back, as whoever can write its file may do with SQLite.

The clumsy way puts the triggers aside and back. The clever way then also numbers positions, versions and the digests of
output anew, and works out the leaves: all that can be worked out without knowing the head that somebody noted.
"""

import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from deedbook.domain.output import digest_of
from deedbook.domain.store.leaf import leaf_of_row


@contextmanager
def behind_its_back(path: Path) -> Iterator[sqlite3.Connection]:
    """Give a connection to a closed store whose triggers are put aside, and back in the end."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        triggers = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        db.execute("BEGIN")
        for name, _ in triggers:
            db.execute(f"DROP TRIGGER {name}")
        yield db
        for _, statement in triggers:
            db.execute(statement)
        db.execute("COMMIT")


def copied(store: Path, folder: Path) -> Path:
    """Copy a closed store and its views into another folder; return the path of the copy."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(store.parent, folder)
    return folder / store.name


def cover_up(db: sqlite3.Connection) -> None:
    """Make everything fit again, so far as it can be worked out: positions, versions, digests, leaves."""
    rows = db.execute("SELECT aggregate, topic, recorded, state FROM events ORDER BY position").fetchall()
    db.execute("DELETE FROM events")
    versions: Counter[bytes] = Counter()
    for position, (aggregate, topic, recorded, state) in enumerate(rows, 1):
        versions[aggregate] += 1
        row = (position, aggregate, versions[aggregate], topic, recorded, state)
        db.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)", (*row, leaf_of_row(*row)))
    _cover_up_output(db)


def _cover_up_output(db: sqlite3.Connection) -> None:
    rows = db.execute("SELECT action, timestamp, text FROM output ORDER BY sequence").fetchall()
    db.execute("DELETE FROM output")
    ends: dict[bytes, tuple[int, bytes]] = {}
    for sequence, (action, timestamp, text) in enumerate(rows, 1):
        line, digest = ends.get(action, (0, b""))
        ends[action] = line + 1, digest_of(digest, timestamp, text)
        row = (sequence, action, line + 1, timestamp, text, ends[action][1])
        db.execute("INSERT INTO output VALUES (?, ?, ?, ?, ?, ?)", row)


def length(db: sqlite3.Connection, table: str) -> int:
    """Return how many rows a table has."""
    return int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608  # a name of the tests
