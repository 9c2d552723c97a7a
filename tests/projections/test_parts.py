"""What a file of views has is asked of SQLite once for each connection, until it is there."""

from contextlib import closing
from pathlib import Path

from deedbook.projections.parts import has
from deedbook.projections.view import Views, connect


def test_what_is_there_is_asked_once_and_what_is_missing_each_time(tmp_path: Path) -> None:
    """A part that a connection has found costs no statement any more; another connection's finding is not its own."""
    Views(tmp_path / "views").close()
    with closing(connect(tmp_path / "views")) as db, closing(connect(tmp_path / "views")) as other:
        asked: list[str] = []
        db.conn.set_trace_callback(asked.append)
        other.conn.set_trace_callback(asked.append)
        assert [has(db, "ranks") for _ in range(3)] == [True] * 3
        assert len(asked) == 1
        assert [has(db, "later") for _ in range(3)] == [False] * 3
        assert len(asked) == 4
        other.execute("CREATE TABLE later (id INTEGER)")
        asked.clear()
        assert [has(db, "later") for _ in range(3)] == [True] * 3
        assert has(other, "ranks")
        assert len(asked) == 2
