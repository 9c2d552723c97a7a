"""Which action was retried as which: in both directions, over several retries.

`retries` has a row for each action that retries another, which it names by its uuid: an import may have one whose
original was never there.
"""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlite_utils import Database

from deedbook.projections.rows import insert_rows

#: At the most so many are told in each direction.
MOST = 100


class Retries(NamedTuple):
    """The documents of what an action retries, and of what retries it, oldest first; not `is_whole`: there are more."""

    before: list[bytes]
    after: list[bytes]
    is_whole: bool


def create(db: Database) -> None:
    """Make the table, with its index: few actions are retries."""
    table = db.create_table("retries", {"id": int, "of": bytes}, pk="id", not_null={"of"}, strict=True)
    table.create_index(["of"], "retries_by_of")


def insert(db: Database, rows: Sequence[tuple[int, bytes]]) -> None:
    """Write what retries what, in order of position: its position, and the uuid of what it retries."""
    insert_rows(db, "retries", rows)


def retries(db: Database, namespace: str | None, action: UUID, most: int = MOST) -> Retries:
    """Return what is retried, or retries, on all ways from an action, in a namespace or (None) in any."""
    before = _walk(db, namespace, action, _RETRIED, most)
    after = _walk(db, namespace, action, _RETRYING, most)
    documents = [[document for _, document in sorted(found.items())[:most]] for found in (before, after)]
    return Retries(documents[0], documents[1], max(len(before), len(after)) <= most)


_RETRIED = "a.uuid = (SELECT of FROM retries JOIN actions USING (id) WHERE uuid = ?1)"
_RETRYING = "a.id IN (SELECT id FROM retries WHERE of = ?1)"


def _walk(db: Database, namespace: str | None, action: UUID, step: str, most: int) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    ring = [action.bytes]
    while ring and len(found) <= most:
        rows = db.execute(
            "SELECT a.id, a.uuid, json FROM actions AS a JOIN documents USING (id)"
            " JOIN terms AS scope ON scope.id = a.namespace"
            f" WHERE {step} AND (?2 IS NULL OR scope.namespace = ?2) ORDER BY a.id LIMIT {most + 1}",
            (ring.pop(0), namespace),
        )
        for number, uuid, document in rows:
            if number not in found:
                found[number] = document
                ring.append(uuid)
    return found
