"""The cluster itself, without Deedbook: it keeps what it acknowledged, so that what is lost is Deedbook's own fault."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event

import psycopg
import pytest

from tests.cluster.cluster import Cluster, wait_for
from tests.cluster.hurting import HURTS, Hurt
from tests.support.at_work import at_work


class Rows:
    """Rows that are inserted by a few connections, and those of them that were acknowledged."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.acknowledged: set[str] = set()

    def insert(self, name: str, stop: Event) -> None:
        """Insert one row after the other, each in a transaction of its own; connect again when a connection is lost."""
        number = 0
        while not stop.is_set():
            try:
                with psycopg.connect(self.url, autocommit=True) as connection:
                    while not stop.is_set():
                        number += 1
                        connection.execute("INSERT INTO rows VALUES (%s)", [f"{name} {number}"])
                        self.acknowledged.add(f"{name} {number}")
            except psycopg.OperationalError:
                stop.wait(0.2)

    @contextmanager
    def inserted(self, name: str, connections: int) -> Iterator[None]:
        """Let some connections insert rows, each named after `name`."""
        with at_work(connections, lambda number, stop: self.insert(f"{name} {number}", stop)):
            yield

    def more(self) -> Callable[[], bool]:
        """Return what says whether fifty more were acknowledged than now."""
        enough = len(self.acknowledged) + 50
        return lambda: len(self.acknowledged) >= enough


@pytest.mark.parametrize("hurt", HURTS)
def test_an_acknowledged_row_outlives_its_leader(cluster: Cluster, hurt: Hurt) -> None:
    """Whatever becomes of a leader, each row that was acknowledged is there once when the cluster is whole again."""
    name = f"rows_{hurt}"
    rows = Rows(cluster.database(name))
    with psycopg.connect(rows.url, autocommit=True) as connection:
        connection.execute("CREATE TABLE rows (name text PRIMARY KEY)")
    with rows.inserted("before", connections=4):
        wait_for(rows.more(), "rows")
        old = cluster.wait_for_leader()
        HURTS[hurt](old)
        new = cluster.wait_for_leader(other_than=old)
        # Connections to a leader that is paused hang for as long as it is.
        with rows.inserted("after", connections=4):
            wait_for(rows.more(), "rows after the leader was lost")
            cluster.mend()
            wait_for(rows.more(), "rows in the cluster that was mended")
    assert cluster.leader() is new
    with psycopg.connect(rows.url) as connection:
        there = {name for (name,) in connection.execute("SELECT name FROM rows")}
    assert rows.acknowledged <= there
