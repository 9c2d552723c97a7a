"""Whatever is done to the views behind the server's back is found by `verify`, in every table that they have."""

import sqlite3
from contextlib import closing

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from deedbook.domain.results import Command
from deedbook.domain.testing.sequences import command_sequences
from tests.support.scene import scene
from tests.support.tampering import length
from tests.support.verifying import verified

VIEWS = st.sampled_from(["changed", "added", "removed"])


@settings(max_examples=60)
@given(history=command_sequences(output=True), data=st.data(), how=VIEWS)
def test_a_change_of_the_views_is_found_in_every_table(history: list[Command], data: st.DataObject, how: str) -> None:
    """A row changed in any column, added or removed, in any table that a file of views has."""
    with scene(history) as there:
        (views,) = there.path.parent.glob("views-*.db")
        with closing(sqlite3.connect(views, isolation_level=None)) as db:
            names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")]
            table = data.draw(st.sampled_from([name for name in names if length(db, name)]))
            columns = [row[1:3] for row in db.execute(f"PRAGMA table_info({table})")]
            offset = data.draw(st.integers(0, length(db, table) - 1))
            key = _key(db, table)
            row = db.execute(f"SELECT * FROM {table} ORDER BY {key} LIMIT 1 OFFSET {offset}").fetchone()  # noqa: S608
            here = " AND ".join(f'"{name}" IS ?' for name, _ in columns)
            if how == "removed":
                db.execute(f"DELETE FROM {table} WHERE {here}", row)  # noqa: S608  # its own tables
            else:
                place = data.draw(st.integers(0, len(columns) - 1))
                changed = (*row[:place], _another(row[place], columns[place][1]), *row[place + 1 :])
                if how == "added":
                    _add(db, table, changed)
                else:
                    _change(db, table, columns[place][0], changed[place], here, row)
        report = verified(there.path)
        if table == "versions":
            # Of another release, as it says now: a server builds it anew, whatever is in it.
            assert "another version" in report.views.what or report.findings
            return
        expected = {"view", "stopped", "tail"} if table == "tracking" else {"view"}
        assert {one.code for one in report.findings} & expected, (table, row)
        if table != "tracking":
            assert any(table in one.what for one in report.findings), report.findings


def _key(db: sqlite3.Connection, table: str) -> str:
    keys = [row[1] for row in db.execute(f"PRAGMA table_info({table})") if row[5]]
    return ", ".join(f'"{name}"' for name in keys) or "1"


def _another(value: object, kind: str) -> object:
    if kind == "INTEGER":
        return 10**9 if value is None else int(str(value)) + 10**9
    return "other" if kind == "TEXT" else b"other"


def _add(db: sqlite3.Connection, table: str, row: tuple[object, ...]) -> None:
    try:
        db.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)  # noqa: S608  # its own tables
    except sqlite3.IntegrityError:
        assume(condition=False)


def _change(db: sqlite3.Connection, table: str, column: str, value: object, here: str, row: tuple[object, ...]) -> None:
    db.execute(f'UPDATE {table} SET "{column}" = ? WHERE {here}', (value, *row))  # noqa: S608  # its own tables
