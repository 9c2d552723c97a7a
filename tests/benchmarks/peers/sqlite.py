"""SQLite alone: what it takes to write the rows of some views into another file, with the same indexes."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from deedbook.projections.generations import Generations


def written(folder: Path, events: int) -> float:
    """Copy the newest views in a folder table by table, and make their indexes; return how many of events a second."""
    views = Generations(folder).current()
    if views is None:
        raise RuntimeError(f"there are no views in {folder}")
    with TemporaryDirectory(dir=folder) as name, closing(_opened(Path(name) / "copy.db", views)) as db:
        tables, indexes = (_schema(db, kind) for kind in ("table", "index"))
        began = time.perf_counter()
        db.execute("BEGIN")
        for table, statement in tables:
            db.execute(statement)
            db.execute(f'INSERT INTO "{table}" SELECT * FROM views."{table}"')  # noqa: S608  # our tables
        for _, statement in indexes:
            db.execute(statement)
        db.execute("COMMIT")
        took = time.perf_counter() - began
        _check(db, [table for table, _ in tables])
    return events / took


def _opened(file: Path, views: Path) -> sqlite3.Connection:
    """Open a file as a rebuild does: without a journal, and with another thread for what is sorted."""
    db = sqlite3.connect(file, isolation_level=None)
    for setting in ("journal_mode = OFF", "synchronous = OFF", "threads = 2"):
        db.execute(f"PRAGMA {setting}")
    db.execute("ATTACH ? AS views", (str(views),))
    return db


def _schema(db: sqlite3.Connection, kind: str) -> list[tuple[str, str]]:
    return list(
        db.execute(
            "SELECT name, sql FROM views.sqlite_master WHERE type = ? AND sql IS NOT NULL AND name NOT LIKE 'sqlite_%'",
            (kind,),
        )
    )


def _check(db: sqlite3.Connection, tables: list[str]) -> None:
    for table in tables:
        counting = 'SELECT (SELECT count(*) FROM main."{0}"), (SELECT count(*) FROM views."{0}")'
        here, there = db.execute(counting.format(table)).fetchone()
        if here != there:
            raise RuntimeError(f"{table} has {here} rows, and not {there}")
