"""Which views there are, each with its version and its laws: what an open file holds, and whether it is sound.

The file notes the version of each view that it holds, so that a release knows at once whether it can go on with a file,
only read it, or neither.
"""

import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlite_utils import Database

from deedbook.domain.events import ActionEnded, ActionRecorded, ActionStarted, CancelRequested, Event, ParentStated
from deedbook.projections.milestones import EVERY
from deedbook.projections.terms import FIELDS

#: The version of what is around the views: the tables `tracking` and `versions`. It is the file's `user_version`.
FRAME = 2

#: Files of frame 1 have no table of versions: they are of a release that had these views.
_FRAME_1: Mapping[str, int] = {"terms": 1, "relations": 1, "actions": 1}


#: What SQLite says of a file that is not what it was.
_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class Damaged(sqlite3.DatabaseError):
    """A file of views holds no views, or not whole."""


class Law(NamedTuple):
    """What holds in every file: two counts are the same. `of` is a query, or the events that were folded so often."""

    says: str
    counted: str
    of: str | Collection[type[Event]]


class View(NamedTuple):
    """A view, or several that share tables.

    version: of its tables and its fold: raise it when either changes. reads: older versions that its queries can still
    answer from, 0 where they do without it. laws: what a new file is checked for before it answers.
    """

    name: str
    version: int
    reads: Collection[int] = ()
    laws: Sequence[Law] = ()


#: The events that move an action.
CHANGES = (ActionStarted, CancelRequested, ActionEnded)

VIEWS: Sequence[View] = (
    View(
        "terms",
        3,
        reads=[1, 2],
        laws=[
            Law(
                f"the totals of the terms of {field} are its actions",
                f"SELECT coalesce(sum(total), 0) FROM terms WHERE field = '{field}'",
                f"SELECT count({field}) FROM actions",
            )
            for field in FIELDS
        ],
    ),
    View(
        "relations",
        2,
        reads=[1],
        laws=[Law("each statement is a relationship", "SELECT count(*) FROM relationships", [ParentStated])],
    ),
    View(
        "actions",
        5,
        reads=[1, 2, 3, 4],
        laws=[
            Law("each recording is an action", "SELECT count(*) FROM actions", [ActionRecorded]),
            Law("each action has its document", "SELECT count(*) FROM documents", [ActionRecorded]),
            Law(
                "the totals of the kinds are the actions",
                "SELECT coalesce(sum(total), 0) FROM kind_totals",
                "SELECT count(*) FROM actions",
            ),
            Law(
                "the totals below objects are what is listed there",
                "SELECT coalesce(sum(total), 0) FROM listed_totals",
                "SELECT count(*) FROM listed",
            ),
        ],
    ),
    View(
        "past",
        2,
        reads=[0],
        laws=[
            Law("each change of an action is a state that it left", "SELECT count(*) FROM past", CHANGES),
            Law(
                "there is a milestone at each of its positions",
                "SELECT count(*) FROM milestones",
                f"SELECT position / {EVERY} FROM tracking",
            ),
        ],
    ),
    View(
        "ranks",
        1,
        reads=[0],
        laws=[
            Law(
                "the ranks of everything tell how many actions stand before the last mark",
                "SELECT coalesce(sum(before), 0) FROM ranks WHERE term = 0 AND level = 0",
                "SELECT count(*) FROM actions, (SELECT sort AS last, id AS mark FROM ranks WHERE term = 0 AND level = 0"
                " ORDER BY sort DESC, id DESC LIMIT 1) WHERE sort <= last AND (sort, actions.id) < (last, mark)",
            ),
        ],
    ),
    View("searches", 1, reads=[0]),
    View(
        "head",
        1,
        reads=[0],
        laws=[Law("the head is that of the log", "SELECT size FROM head", "SELECT position FROM tracking")],
    ),
)


class Release(NamedTuple):
    """What a file says of the release that made it."""

    frame: int
    versions: Mapping[str, int]

    @property
    def is_ours(self) -> bool:
        """Tell whether this release can fold into it."""
        return not self.is_newer and self.versions == {view.name: view.version for view in VIEWS}

    @property
    def is_newer(self) -> bool:
        """Tell whether anything in it is of a newer release, whose it is to keep."""
        ours = {view.name: view.version for view in VIEWS}
        return self.frame > FRAME or any(version > ours.get(name, 0) for name, version in self.versions.items())

    @property
    def is_readable(self) -> bool:
        """Tell whether the queries of this release can answer from it."""
        return self.frame <= FRAME and all(
            self.versions.get(view.name, 0) in (view.version, *view.reads) for view in VIEWS
        )


def note(db: Database) -> None:
    """Write into a new file which versions it holds."""
    table = db.create_table("versions", {"view": str, "version": int}, pk="view", not_null={"version"}, strict=True)
    table.insert_all({"view": view.name, "version": view.version} for view in VIEWS)
    db.execute(f"PRAGMA user_version = {FRAME}")


def release_of(db: Database) -> Release:
    """Return what a file says of its release; raises `Damaged` where it is no file of views."""
    frame = int(rows_of(db, "PRAGMA user_version")[0][0])
    if frame == 0:
        raise Damaged("it holds no views")
    if frame == 1:
        return Release(frame, _FRAME_1)
    return Release(frame, dict(rows_of(db, "SELECT view, version FROM versions")) if frame == FRAME else {})


# Any: what SQLite returns has no type; each caller names the columns that it asked for.
def rows_of(db: Database, query: str) -> list[Any]:
    """Return what a query finds that every file of views answers; raises `Damaged` where this one does not."""
    try:
        return db.conn.execute(query).fetchall()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_ERROR:  # There is no such table: the file was emptied.
            raise Damaged(str(error)) from error
        raise


def is_damage(error: sqlite3.Error) -> bool:
    """Tell an error of a file that is damaged for good from one that may pass, such as a full disk."""
    # The lower byte is the kind of error, the others say more.
    return isinstance(error, Damaged) or (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF in _DAMAGE


def damages(db: Database) -> Iterator[str]:
    """Return what SQLite finds wrong with a file: measured, a thirtieth of the time that it takes to make it."""
    yield from (" ".join(said.split()) for (said,) in db.execute("PRAGMA quick_check(5)") if said != "ok")


def broken_laws(db: Database, folded: Mapping[str, int] | None = None) -> Iterator[str]:
    """Return a sentence for each law that a file breaks, which was made of so many events of each topic.

    None is for who does not know: then laws that ask for it are left out.

    Cheap: each count is a walk along an index, and all of them take a fiftieth of the time that the file takes to make.
    """
    for view in VIEWS:
        for law in view.laws:
            if folded is None and not isinstance(law.of, str):
                continue
            found = _count(db, law.counted)
            due = _count(db, law.of) if isinstance(law.of, str) else _folded(folded, law.of)
            if found != due:
                yield f"{law.says}, but there are {found:,} of {due:,}"


def _count(db: Database, query: str) -> int:
    return int(db.execute(query).fetchone()[0])


def _folded(folded: Mapping[str, int] | None, kinds: Collection[type[Event]]) -> int:
    return sum((folded or {}).get(kind.TOPIC, 0) for kind in kinds)
