"""Opens SQLite files without changing anything: no table, no file beside them, nobody's turn.

A read-only connection to a file in WAL mode makes the two files beside it where they are missing, and leaves them
there. Where they are missing nobody has the database open, so it is opened as one that can't change (`immutable`);
whether it did all the same is seen at the end, by the file's own marks, and what was read is then worth nothing.
"""

import os
import sqlite3
from pathlib import Path
from typing import NamedTuple


class _Marks(NamedTuple):
    inode: int
    size: int
    modified: int


class ReadOnly:
    """One read transaction on a file, from now until it is closed: it sees one moment."""

    def __init__(self, path: Path) -> None:
        """Open a file that is there; raises sqlite3.Error where it is no database, OSError where there is none."""
        path = path.resolve()
        self._path = path
        self._marks: _Marks | None = None
        # Asked before it is opened: what comes later shows in the marks.
        if not path.with_name(f"{path.name}-wal").exists():
            self._marks = _marks(path)
        how = "mode=ro" if self._marks is None else "mode=ro&immutable=1"
        self.db = sqlite3.connect(f"{path.as_uri()}?{how}", uri=True, isolation_level=None, timeout=10)
        try:
            # Text that is none can be put in with SQLite's CAST; whoever checks must see it rather than fail on it.
            self.db.text_factory = _text
            self.db.execute("BEGIN")
            self.db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.Error:
            self.db.close()
            raise

    def is_true(self) -> bool:
        """Tell whether what was read was of one moment: False where a file that nobody had open changed meanwhile."""
        return self._marks is None or self._marks == _marks(self._path)

    def close(self) -> None:
        """End the transaction."""
        self.db.close()


def _marks(path: Path) -> _Marks | None:
    try:
        found = os.stat(path)  # noqa: PTH116  # as in reader.py
    except FileNotFoundError:
        return None
    return _Marks(found.st_ino, found.st_size, found.st_mtime_ns)


def _text(stored: bytes) -> str:
    return stored.decode(errors="surrogateescape")
