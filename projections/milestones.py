"""Totals of the past: what was counted at every 4,096th position, so that no count of a moment reads all before it.

`milestones` has how many actions there were, and between which dates they stood in the order of the list;
`term_milestones` the total of each term that had grown by 64 since its last entry. Both depend on positions alone, not
on how the log was cut into transactions: a fold stops at each milestone (`split`).
"""

from collections.abc import Iterator, Sequence

from sqlite_utils import Database

from deedbook.domain.log import Happened

#: Positions from one milestone to the next: counting what came since one reads so many rows at the most, in 0.1 ms.
EVERY = 4096

#: A term is counted anew when it has grown by so much; fewer are counted one by one.
GROWN = 64

#: Terms of fewer actions than this are counted through their index, which is as fast as any milestone.
FEW = 2048


def create(db: Database) -> None:
    """Make the tables, and the index of the terms that are to be counted at the next milestone."""
    columns = {"position": int, "actions": int, "low": int, "high": int}
    db.create_table("milestones", columns, pk="position", not_null={"actions"}, strict=True)
    db.execute(
        "CREATE TABLE term_milestones (term INTEGER, position INTEGER, total INTEGER NOT NULL,"
        " PRIMARY KEY (term, position)) STRICT, WITHOUT ROWID"
    )
    db.execute(f"CREATE INDEX terms_grown ON terms (id) WHERE total - counted >= {GROWN}")


def split(happened: Sequence[Happened]) -> Iterator[Sequence[Happened]]:
    """Cut events, which follow each other without a gap, behind each milestone."""
    start = 0
    while start < len(happened):
        end = start + EVERY - (happened[start].position - 1) % EVERY
        yield happened[start:end]
        start = end


def reach(db: Database, position: int) -> None:
    """Note what is counted at a milestone, where `position` is one; all up to there is in the tables."""
    if position % EVERY:
        return
    db.execute(
        "INSERT INTO term_milestones SELECT id, ?, total FROM terms WHERE total - counted >= " + str(GROWN), (position,)
    )
    db.execute(f"UPDATE terms SET counted = total WHERE total - counted >= {GROWN}")
    db.execute(
        "INSERT INTO milestones SELECT ?1, coalesce(sum(counted), 0), min(low), max(high) FROM ("
        " SELECT actions AS counted, low, high FROM milestones WHERE position = ?1 - ?2"
        " UNION ALL SELECT count(*), min(sort), max(sort) FROM actions WHERE id > ?1 - ?2"
        " UNION ALL SELECT 0, min(a.sort), max(a.sort) FROM past CROSS JOIN actions AS a USING (id)"
        " WHERE until > ?1 - ?2)",
        (position, EVERY),
    )


def dates(db: Database, moment: int) -> tuple[int, int] | None:
    """Return between which dates all that there was at a moment stood in the order; None where it is not known yet."""
    row = db.execute(
        "SELECT low, high FROM milestones WHERE position >= ? ORDER BY position LIMIT 1", (moment,)
    ).fetchone()
    return None if row is None or row[0] is None else (row[0], row[1])


def actions_at(db: Database, moment: int) -> int:
    """Return how many actions there were at a moment."""
    row = db.execute(
        "SELECT position, actions FROM milestones WHERE position <= ? ORDER BY position DESC LIMIT 1", (moment,)
    ).fetchone()
    position, counted = row or (0, 0)
    return int(counted + _one(db, "SELECT count(*) FROM actions WHERE id > ? AND id <= ?", (position, moment)))


def total_at(db: Database, field: str, term: int, total: int, moment: int) -> int:
    """Return how many actions had a term at a moment; `total` is how many have it now.

    For a field that no event moves, and for the states that nothing leads out of.
    """
    if total <= FEW:
        return _few(db, field, term, moment)
    before = db.execute(f"{_MILESTONE} AND position <= ? ORDER BY position DESC LIMIT 1", (term, moment)).fetchone()
    behind = db.execute(f"{_MILESTONE} AND position > ? ORDER BY position LIMIT 1", (term, moment)).fetchone()
    last, counted = before or (0, 0)
    if behind is not None and behind[0] - moment < moment - last:
        if _is_costly(behind[0] - moment, total):
            return _few(db, field, term, moment)
        return int(behind[1] - _between(db, field, term, (moment, behind[0])))
    if _is_costly(moment - last, total):
        return _few(db, field, term, moment)
    return int(counted + _between(db, field, term, (last, moment)))


_MILESTONE = "SELECT position, total FROM term_milestones WHERE term = ?"


def _is_costly(positions: int, total: int) -> bool:
    """Tell whether it costs less to count through the index: measured, a row of it takes half the time."""
    return positions * 2 > total


def _between(db: Database, field: str, term: int, span: tuple[int, int]) -> int:
    """Return how many actions got a term behind one position, up to another."""
    # Not through the index of the field, which is in the order of the list: positions follow each other in the table.
    at = "changed" if field == "state" else "id"
    counted = _one(
        db,
        f"SELECT count(*) FROM actions NOT INDEXED WHERE id > ?1 AND id <= ?2 AND {field} = ?3 AND {at} <= ?2",
        (*span, term),
    )
    if field == "state":
        counted += _one(
            db,
            "SELECT count(*) FROM past CROSS JOIN actions AS a USING (id) WHERE until > ?1 AND until <= ?2"
            " AND a.id <= ?1 AND a.changed <= ?2 AND a.state = ?3 AND a.changed = until",
            (*span, term),
        )
    return counted


def _few(db: Database, field: str, term: int, moment: int) -> int:
    at = "changed" if field == "state" else "id"
    return _one(
        db,
        f"SELECT count(*) FROM actions INDEXED BY actions_by_{field} WHERE {field} = ? AND id <= ? AND {at} <= ?",
        (term, moment, moment),
    )


def _one(db: Database, statement: str, parameters: Sequence[int]) -> int:
    return int(db.execute(statement, parameters).fetchone()[0])
