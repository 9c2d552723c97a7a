"""The head of the log as a view: how many events there are, and the Merkle root over their leaves.

One row. Its `frontier` (`merkle.py`) is what the next events need, so that the head costs one hash an event and
is as new as every other view, whatever the size of the log.
"""

from collections.abc import Sequence

from sqlite_utils import Database

from deedbook.domain.log import EventLog
from deedbook.domain.merkle import Frontier, TreeHead, grow
from deedbook.projections.parts import has

#: Leaves read at once.
_PAGE = 10_000


class Head:
    """The fold of the leaves."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._frontier = frontier(db)

    @staticmethod
    def create(db: Database) -> None:
        """Make the table, with the head of an empty log."""
        columns = {"size": int, "root": bytes, "frontier": bytes}
        table = db.create_table("head", columns, not_null=set(columns), strict=True)
        table.insert({"size": 0, "root": Frontier().root, "frontier": b""})

    def fold(self, leaves: Sequence[bytes]) -> None:
        """Take in the leaves of events, in the transaction that is open."""
        self._frontier = grow(self._frontier, leaves)
        size, root = self._frontier.head
        self._db.execute("UPDATE head SET size = ?, root = ?, frontier = ?", (size, root, self._frontier.to_bytes()))

    def forget(self) -> None:
        """Go back to what is in the file: the transaction that it was read or written in was undone."""
        self._frontier = frontier(self._db)


def head(db: Database) -> TreeHead | None:
    """Return the head that a file of views has; None where it is of a version that kept none."""
    return TreeHead(*db.execute("SELECT size, root FROM head").fetchone()) if has(db, "head") else None


def frontier(db: Database) -> Frontier:
    """Return the frontier that a file of views has; that of an empty log where it is of a version that kept none.

    Raises ValueError where somebody changed it to what can't be one.
    """
    if not has(db, "head"):
        return Frontier()
    return Frontier.from_bytes(*db.execute("SELECT size, frontier FROM head").fetchone())


def continued(log: EventLog, known: Frontier) -> TreeHead:
    """Return the head of the whole log, as it is when this is called: `known` is of its first events, or of none."""
    last = log.head()
    while known.size < last and (page := log.stored(known.size, min(_PAGE, last - known.size))):
        known = grow(known, [event.leaf for event in page])
    return known.head
