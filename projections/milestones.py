"""Totals of the past: what was counted at every 4,096th position, so that no count of a moment reads all before it.

`milestones` has how many actions there were, and between which dates they stood in the order of the list: all of them,
and those that got their place since the milestone before. `term_milestones` has the total of each term that had grown
by 64 since its last entry. Both depend on positions alone, not on how the log was cut into transactions: a fold stops
at each milestone (`split`).
"""

from collections.abc import Iterator, Sequence

from sqlite_utils import Database

from deedbook.domain.lifecycle import State
from deedbook.domain.log import Happened
from deedbook.projections.past import holding

#: Positions from one milestone to the next: counting what came since one reads so many rows at the most, in 0.1 ms.
EVERY = 4096

#: A term is counted anew when it has grown by so much; fewer are counted one by one.
GROWN = 64

#: Terms of fewer actions than this are counted through their index, which is as fast as any milestone.
FEW = 512


def create(db: Database) -> None:
    """Make the tables, and the index of the terms that are to be counted at the next milestone."""
    columns = dict.fromkeys(("position", "actions", "low", "high", "new_low", "new_high"), int)
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
        "INSERT INTO milestones"
        " SELECT ?1, coalesce(sum(counted), 0), min(low), max(high), min(new_low), max(new_high) FROM ("
        " SELECT actions AS counted, low, high, NULL AS new_low, NULL AS new_high FROM milestones"
        " WHERE position = ?1 - ?2"
        " UNION ALL SELECT count(*), min(sort), max(sort), min(sort), max(sort) FROM actions WHERE id > ?1 - ?2"
        " UNION ALL SELECT 0, min(a.sort), max(a.sort), min(a.sort), max(a.sort)"
        " FROM past CROSS JOIN actions AS a USING (id) WHERE until > ?1 - ?2 AND a.sorted > ?1 - ?2)",
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
    """Return how many actions had a term at a moment, of a field that no event moves; `total` is how many have it now.

    It reads what the term has grown by between two milestones, or where that is less, all positions to one of them.
    """
    if total <= FEW:
        return _few(db, field, term, moment)
    last, counted, following, then = _around(db, term, total, moment)
    if following is not None and following - moment < min(moment - last, then - counted):
        return then - _scanned(db, field, term, (moment, following))
    if moment - last < then - counted:
        return counted + _scanned(db, field, term, (last, moment))
    if moment - last > total * EVERY:
        return _few(db, field, term, moment)
    return counted + _found(db, field, term, (last, moment))


def ended_at(db: Database, term: int, total: int, moment: int) -> int:
    """Return the same of a state that nothing leads out of."""
    last, counted, following, then = _around(db, term, total, moment)
    if following is not None and following - moment < moment - last:
        nearer, before = following - moment, then
    else:
        nearer, before, following = moment - last, counted, None
    # Measured, to read a row of the index takes half the time of a row of the table.
    if total <= FEW or nearer * 2 > total:
        return _few(db, "state", term, moment)
    if following is None:
        return before + _ended(db, term, (last, moment))
    return before - _ended(db, term, (moment, following))


def _around(db: Database, term: int, total: int, moment: int) -> tuple[int, int, int | None, int]:
    """Return a term's milestones: the last one up to a moment, and the one after it or None; each with its total."""
    select = "SELECT position, total FROM term_milestones WHERE term = ?"
    before = db.execute(f"{select} AND position <= ? ORDER BY position DESC LIMIT 1", (term, moment)).fetchone()
    after = db.execute(f"{select} AND position > ? ORDER BY position LIMIT 1", (term, moment)).fetchone()
    return (*(before or (0, 0)), *(after or (None, total)))


def _scanned(db: Database, field: str, term: int, span: tuple[int, int]) -> int:
    """Return how many actions got a term behind one position, up to another: all that were recorded are read."""
    # Not through the index of the field, which is in the order of the list: positions follow each other in the table.
    return _one(db, f"SELECT count(*) FROM actions NOT INDEXED WHERE id > ? AND id <= ? AND {field} = ?", (*span, term))


def _found(db: Database, field: str, term: int, span: tuple[int, int]) -> int:
    """Return the same through the index of the field, where the dates tell between which actions of it they stand.

    These are the dates of a milestone that is not before the end; what has been put elsewhere since then waited there.
    """
    last, moment = span
    reached, low, high = db.execute(
        "SELECT coalesce(max(position), ?1), min(new_low), max(new_high) FROM milestones"
        " WHERE position > ?1 AND position < ?2 + ?3",
        (last, moment, EVERY),
    ).fetchone()
    if low is None:
        return _scanned(db, field, term, (reached, moment))
    among = (term, last, moment)
    counted = _one(
        db,
        f"SELECT count(*) FROM actions INDEXED BY actions_by_{field}"
        f" WHERE {field} = ? AND id > ? AND id <= ? AND id <= ? AND sort BETWEEN ? AND ?",
        (*among, reached, low, high),
    )
    for (pending,) in db.execute(
        "SELECT id FROM terms WHERE field = 'state' AND value = ?"
        " AND namespace = (SELECT namespace FROM terms WHERE id = ?)",
        (State.PENDING, term),
    ):
        tables, condition, parameters = holding(db, [pending], reached)
        counted += _one(
            db,
            f"SELECT count(*) FROM {tables} WHERE {condition} AND a.{field} = ? AND a.id > ? AND a.id <= ?"
            " AND a.sorted > ? AND a.sort NOT BETWEEN ? AND ?",
            (*parameters, *among, reached, low, high),
        )
    return counted + _scanned(db, field, term, (reached, moment))


def _ended(db: Database, term: int, span: tuple[int, int]) -> int:
    """Return how many actions came to a final state behind one position, up to another."""
    recorded = _one(
        db,
        "SELECT count(*) FROM actions NOT INDEXED WHERE id > ?1 AND id <= ?2 AND state = ?3 AND changed <= ?2",
        (*span, term),
    )
    return recorded + _one(
        db,
        "SELECT count(*) FROM past CROSS JOIN actions AS a USING (id) WHERE until > ?1 AND until <= ?2"
        " AND a.id <= ?1 AND a.changed <= ?2 AND a.state = ?3 AND a.changed = until",
        (*span, term),
    )


def _few(db: Database, field: str, term: int, moment: int) -> int:
    at = "changed" if field == "state" else "id"
    return _one(
        db,
        f"SELECT count(*) FROM actions INDEXED BY actions_by_{field} WHERE {field} = ? AND id <= ? AND {at} <= ?",
        (term, moment, moment),
    )


def _one(db: Database, statement: str, parameters: Sequence[int]) -> int:
    return int(db.execute(statement, parameters).fetchone()[0])
