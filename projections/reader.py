"""The reading side of the views: what any thread of any process may ask."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import NamedTuple
from uuid import UUID

from msgspec import structs
from sqlite_utils import Database

from deedbook.domain.errors import StoreFailed, Unavailable
from deedbook.domain.merkle import TreeHead
from deedbook.projections.action_query import ActionQuery
from deedbook.projections.arrivals import arrived
from deedbook.projections.deadline import EXACTLY, PATIENCE, deadline
from deedbook.projections.generations import Generations, ViewsMissing, ViewsNewer, inode_of
from deedbook.projections.head import head
from deedbook.projections.objects import Lane, Tree, actions_on, lane, tree
from deedbook.projections.page import Page, as_then, page, then
from deedbook.projections.parts import has
from deedbook.projections.relations import Relationship, relatives
from deedbook.projections.resource import with_body
from deedbook.projections.retries import Retries, retries
from deedbook.projections.searches import Search, searches
from deedbook.projections.suggestions import suggestions
from deedbook.projections.timeline import Timeline, timeline
from deedbook.projections.users import Users, users
from deedbook.projections.versions import Release, is_damage, release_of
from deedbook.projections.view import Tracking, connect, tracking

#: Connections that are kept while nobody uses them.
IDLE = 8

#: How often a generation is opened that was retired in the same moment: each time another one has come.
TRIES = 10


class PartMissing(Unavailable):
    """The views that answer are of a release that did not keep what is asked for."""

    def __init__(self, part: str) -> None:
        super().__init__(f"The views {part} are being built from the log; repeat in a few seconds.")


class Snapshot(NamedTuple):
    """The views at one moment: everything asked of it is of the same position; `closing` ends what takes long."""

    db: Database
    tracking: Tracking
    closing: Event

    @property
    def head(self) -> TreeHead | None:
        """The head of the log up to here; None in a generation of a version that kept none."""
        return head(self.db)

    @property
    def versions(self) -> Mapping[str, int]:
        """Return the version of each view that is in there, by its name."""
        return release_of(self.db).versions

    def actions(self, query: ActionQuery, patience: float | None = None) -> Page:
        """Return a page of the action list.

        Raises `PartMissing` where views of an older release can't tell it, `TooMuch` where it takes more than
        `patience`, in seconds; where that is None, free text alone has a bound.
        """
        self._require_parts(query)
        if patience is None and not query.words:
            return page(self.db, query)
        with deadline(self.db, PATIENCE if patience is None else patience, self.closing):
            return page(self.db, query)

    def arrived(self, query: ActionQuery, after: int) -> int:
        """Return how many actions a query finds that it did not find at a position; see `arrivals.arrived`."""
        self._require_parts(structs.replace(query, as_of=after))
        return arrived(self.db, query, after)

    def suggestions(self, namespace: str | None, field: str, part: str, limit: int) -> list[str]:
        """Return values of a field that hold a text, commonest first; see `suggestions.suggestions`."""
        self._require("actions_by_agent", "by words")
        return suggestions(self.db, namespace, field, part, limit)

    def timeline(
        self, query: ActionQuery, low: int | None, high: int | None, most: int, *, exactly: bool = False
    ) -> Timeline:
        """Return the actions of a query over time, as `timeline.timeline`; raises as `actions`."""
        self._require_parts(query)
        with deadline(self.db, EXACTLY if exactly else PATIENCE, self.closing):
            return timeline(self.db, query, low, high, most, exactly=exactly)

    def action(self, action: UUID, namespace: str | None, as_of: int | None = None) -> bytes | None:
        """Return the JSON of one action, whole, now or as it was at a position; None where there is none.

        Namespace None is any. Raises `PartMissing` as `actions`.
        """
        if as_of is not None:
            self._require("past", "of the past")
        columns, tables = ("json", "documents USING (id)") if as_of is None else then(as_of)
        row = self.db.conn.execute(
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

    def users(self, namespace: str | None, words: Sequence[str], limit: int, offset: int) -> Users:
        """Return users of a namespace, by name; see `users.users`."""
        self._require("actions_by_agent", "of users")
        return users(self.db, namespace, words, limit, offset)

    def actions_on(self, namespace: str | None, uri: str) -> int | None:
        """Return how many actions an object has, None where it was never seen."""
        return actions_on(self.db, namespace, uri)

    def lane(self, namespace: str | None, uri: str, most: int) -> Lane:
        """Return what runs on an object and what waits for it; see `objects.lane`."""
        return lane(self.db, namespace, uri, most)

    def tree(self, namespace: str | None, uri: str, *, above: bool) -> Tree:
        """Return the tree of what is or was above (or below) an object; see `objects.tree`."""
        return tree(self.db, namespace, uri, above=above)

    def retries(self, action: UUID, namespace: str | None) -> Retries:
        """Return what an action retries, and what retries it; see `retries.retries`."""
        self._require("retries", "of retries")
        return retries(self.db, namespace, action)

    def searches(self, namespace: str | None) -> Sequence[Search]:
        """Return what is saved in a namespace, or (None) in all, by name."""
        self._require("searches", "of saved searches")
        return searches(self.db, namespace)

    def _require_parts(self, query: ActionQuery) -> None:
        if query.as_of is not None:
            self._require("past", "of the past")
        if "agent" in query.equal or query.words:
            self._require("actions_by_agent", "by agent")

    def _require(self, name: str, part: str) -> None:
        if not has(self.db, name):
            raise PartMissing(part)

    def namespaces(self, most: int) -> list[str]:
        """Return the first namespaces that hold actions, by name."""
        found = self.db.execute(
            "SELECT namespace FROM terms WHERE field = 'namespace' AND value = '' ORDER BY namespace LIMIT ?", (most,)
        )
        return [name for (name,) in found]

    def relatives(self, namespace: str | None, uri: str, *, above: bool, limit: int) -> list[Relationship]:
        """Return the relationships on all ways up (or down) from an object, nearest first, at most `limit`."""
        return relatives(self.db, namespace, uri, above=above, limit=limit)


class _Open(NamedTuple):
    db: Database
    path: str
    inode: int
    is_ours: bool

    @property
    def answers(self) -> bool:
        """Tell whether its path still names the file that it has open."""
        return inode_of(self.path) == self.inode


class Reader:
    """Opens the generation that answers now; connections to it are kept for whichever thread asks next."""

    def __init__(self, generations: Generations) -> None:
        self._generations = generations
        #: A stack of connections that nobody uses: of a list both ends of a move are atomic.
        self._idle: list[_Open] = []
        #: Set when nobody waits for an answer any more: what takes long then ends.
        self.closing = Event()

    def snapshot(self) -> AbstractContextManager[Snapshot]:
        """Give the views at this moment.

        Raises `ViewsMissing` while there are none, or none that can be read; also where they are found to be damaged,
        which the runner sees to. Raises `ViewsNewer` where they are of a newer release.
        """
        return _Reading(self)

    def tracking(self) -> Tracking:
        """Return how far the views have read; raises as `snapshot`."""
        with self.snapshot() as snapshot:
            return snapshot.tracking

    def let_go(self) -> None:
        """Close what is kept of generations that answer no more, so that the disk gets their space back."""
        kept = []
        for opened in self._taken():
            if opened.answers:
                kept.append(opened)
            else:
                opened.db.close()
        self._idle.extend(kept)

    def close(self) -> None:
        """Close what is kept, and have questions end that take long."""
        self.closing.set()
        for opened in self._taken():
            opened.db.close()

    def begun(self) -> tuple[_Open, Tracking]:
        """Return a connection in a transaction that reads the generation that answers."""
        for _ in range(TRIES):
            opened, is_fresh = self._kept(), False
            if opened is None:
                opened, is_fresh = self._opened(), True
            if opened is None:
                continue
            try:
                opened.db.conn.execute("BEGIN")
                at = tracking(opened.db)
            except sqlite3.Error as error:
                if opened.answers:
                    raise self.told(opened, error) from error
            else:
                # Only now its journal is open too: were the file retired in between, another journal would be, or none.
                if not is_fresh or opened.answers:
                    return opened, at
            opened.db.close()
        raise ViewsMissing

    def _kept(self) -> _Open | None:
        while self._idle:
            try:
                opened = self._idle.pop()
            except IndexError:  # Another thread was faster.
                return None
            if opened.answers:
                return opened
            opened.db.close()
        return None

    def _opened(self) -> _Open | None:
        """Open the generation that answers; None where it was retired meanwhile."""
        current = self._generations.current()
        if current is None:
            raise ViewsMissing
        inode = inode_of(str(current))
        if inode is None:
            return None
        try:
            db = connect(current)
        except sqlite3.Error as error:
            if inode_of(str(current)) != inode:
                return None
            raise _failed(error) from error
        opened = _Open(db, str(current), inode, is_ours=False)
        try:
            opened = opened._replace(is_ours=_readable(db).is_ours)
            db.execute("PRAGMA query_only = ON")
            db.execute("PRAGMA cache_size = -16384")
        except sqlite3.Error as error:
            if opened.answers:
                raise self.told(opened, error) from error
            db.close()
            return None
        except BaseException:
            db.close()
            raise
        return opened

    def told(self, opened: _Open, error: sqlite3.Error) -> Unavailable:
        """Close a connection that failed, and return what to tell whoever asked."""
        opened.db.close()
        if not opened.is_ours and getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR:
            # What was asked for, such as the past, is not in the views of an older release.
            return ViewsMissing()
        if not is_damage(error):
            return _failed(error)
        self._generations.condemn(Path(opened.path), opened.inode)
        return ViewsMissing()

    def keep(self, opened: _Open) -> None:
        """Keep a connection for whoever asks next, or close it."""
        if len(self._idle) < IDLE:
            self._idle.append(opened)
        else:
            opened.db.close()

    def _taken(self) -> Iterator[_Open]:
        while self._idle:
            try:
                yield self._idle.pop()
            except IndexError:  # Another thread was faster.
                return


class _Reading(AbstractContextManager[Snapshot]):
    """A snapshot while it is read. A class, since a generator would cost a tenth of what one action does."""

    __slots__ = ("_opened", "_reader")

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def __enter__(self) -> Snapshot:
        self._opened, at = self._reader.begun()
        return Snapshot(self._opened.db, at, self._reader.closing)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not isinstance(error, sqlite3.Error):
            try:
                self._opened.db.conn.rollback()
            except sqlite3.Error as failed:
                error = failed
            else:
                self._reader.keep(self._opened)
                return
        raise self._reader.told(self._opened, error) from error


def _readable(db: Database) -> Release:
    """Return the release of a file; raises `ViewsMissing` or `ViewsNewer` where our queries can't answer from it."""
    release = release_of(db)
    if not release.is_readable:
        raise ViewsNewer if release.is_newer else ViewsMissing
    return release


def _failed(error: sqlite3.Error) -> StoreFailed:
    return StoreFailed(f"The views can't be read now ({error}); repeat in a few seconds.")
