"""What a question costs, told without time: the steps of SQLite's machine."""

from collections.abc import Callable

from sqlite_utils import Database


def steps(db: Database, work: Callable[[], object]) -> int:
    """Return how many hundreds of steps SQLite's machine takes for some work."""
    taken = [0]

    def step() -> None:
        taken[0] += 1

    db.conn.set_progress_handler(step, 100)
    try:
        work()
    finally:
        db.conn.set_progress_handler(None, 0)
    return taken[0]
