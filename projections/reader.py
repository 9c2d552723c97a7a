"""The reading side of the views: what any thread of any process may ask."""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple
from uuid import UUID

from sqlite_utils import Database

from deedbook.domain.errors import StoreFailed
from deedbook.domain.merkle import TreeHead
from deedbook.projections.action_query import ActionQuery
from deedbook.projections.generations import Generations, ViewsMissing
from deedbook.projections.head import head
from deedbook.projections.page import Page, as_then, page, then
from deedbook.projections.relations import Relationship, relatives
from deedbook.projections.resource import with_body
from deedbook.projections.view import Tracking, connect, tracking


class Snapshot(NamedTuple):
    """The views at one moment: everything asked of it is of the same position."""

    db: Database
    tracking: Tracking

    @property
    def head(self) -> TreeHead | None:
        """The head of the log up to here; None in a generation of a version that kept none."""
        return head(self.db)

    def actions(self, query: ActionQuery) -> Page:
        """Return a page of the action list."""
        return page(self.db, query)

    def action(self, action: UUID, namespace: str | None, as_of: int | None = None) -> bytes | None:
        """Return the JSON of one action, whole, now or as it was at a position; None where there is none.

        Namespace None is any.
        """
        columns, tables = ("json", "documents USING (id)") if as_of is None else then(as_of)
        row = self.db.execute(
            f"SELECT body, {columns} FROM actions JOIN {tables} LEFT JOIN bodies USING (id)"
            " JOIN terms AS scope ON scope.id = actions.namespace"
            " WHERE uuid = ?1 AND (?2 IS NULL OR scope.namespace = ?2) AND (?3 IS NULL OR actions.id <= ?3)",
            (action.bytes, namespace, as_of),
        ).fetchone()
        if row is None:
            return None
        body, *facts = row
        document: bytes = facts[0] if as_of is None else as_then(*facts)
        return document if body is None else with_body(document, body)

    def relatives(self, namespace: str | None, uri: str, *, above: bool, limit: int) -> list[Relationship]:
        """Return the relationships on all ways up (or down) from an object, nearest first, at most `limit`."""
        return relatives(self.db, namespace, uri, above=above, limit=limit)


class _Open(NamedTuple):
    db: Database
    path: str
    inode: int


class Reader:
    """Opens the generation that answers now, one connection for each thread."""

    def __init__(self, generations: Generations) -> None:
        self._generations = generations
        self._mine = threading.local()

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """Give the views at this moment; raises `ViewsMissing` while there are none."""
        try:
            db = self._database()
            db.execute("BEGIN")
            try:
                yield Snapshot(db, tracking(db))
            finally:
                db.rollback()
        except sqlite3.Error as error:
            self.close()
            raise StoreFailed(f"The views can't be read now ({error}); repeat in a few seconds.") from error

    def tracking(self) -> Tracking:
        """Return how far the views have read; raises as `snapshot`."""
        with self.snapshot() as snapshot:
            return snapshot.tracking

    def close(self) -> None:
        """Close this thread's connection."""
        opened: _Open | None = self._mine.__dict__.pop("opened", None)
        if opened is not None:
            opened.db.close()

    def _database(self) -> Database:
        opened: _Open | None = getattr(self._mine, "opened", None)
        if opened is not None and _inode(opened.path) == opened.inode:
            return opened.db
        self.close()
        current = self._generations.current()
        if current is None or (inode := _inode(str(current))) is None:
            raise ViewsMissing
        db = connect(current)
        db.execute("PRAGMA query_only = ON")
        db.execute("PRAGMA cache_size = -16384")
        self._mine.opened = _Open(db, str(current), inode)
        return db


def _inode(path: str) -> int | None:
    """Tell a file from one of the same name: an open connection would go on reading the one that was removed."""
    try:
        return os.stat(path).st_ino  # noqa: PTH116  # 1 µs, where Path.stat takes 4, for each query
    except FileNotFoundError:
        return None
