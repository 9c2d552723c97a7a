"""How much is folded at a time while more is recorded."""

from contextlib import closing
from pathlib import Path

from deedbook.domain.store.sqlite import SqliteStore
from deedbook.projections.following import FEWEST, Following
from deedbook.projections.view import Views
from tests.contract.giving import recording
from tests.support.giving import give


def test_what_comes_meanwhile_is_left_for_the_next_time(tmp_path: Path) -> None:
    """Else each transaction would hold the few actions that came during the last: most of its cost is the same."""
    with closing(SqliteStore(tmp_path / "log.db")) as store, closing(Views(tmp_path / "views.db")) as views:
        give(store.audit_log, [recording() for _ in range(3 * FEWEST)])
        reached: list[int] = []

        def told(position: int) -> None:
            reached.append(position)
            give(store.audit_log, [recording()])

        following = Following(store.log, views, told, lambda: len(reached) > 100)
        head = store.log.head()
        following.catch_up()
        assert reached[-1] == views.tracking.position == head
        assert len(reached) <= 3
        came = store.log.head()
        following.catch_up()
        assert reached[-1] == came
