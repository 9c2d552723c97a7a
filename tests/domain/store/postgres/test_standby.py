"""Nodes that read from a hot standby: everything comes, in order, whether the standby lags, stops or comes back."""

from pathlib import Path

import pytest

from tests.faults.ledger import wait_for
from tests.support.postgres import own_server, standby_of
from tests.support.server import Server as Node
from tests.support.server import deedbook
from tests.support.websocket import bearer, following


def record(node: Node, *markers: str) -> None:
    """Record actions."""
    with node.client() as client:
        for marker in markers:
            body = {"action": marker, "method": "GET", "path": "/", "state": "In progress"}
            answer = client.post("/action/", json=body)
            assert answer.status_code == 202, answer.text
            lines = {"lines": [f"{marker} 1", f"{marker} 2"]}
            assert client.post(f"/action/{answer.json()['uuid']}/logs/", json=lines).status_code == 200


def output(node: Node) -> list[str]:
    """Return the output of every action in the list, in order."""
    with node.client() as client:
        listed = client.get("/acme/action/?limit=500").json()["objects"]
        return [
            line
            for one in listed
            for line in client.get(f"/action/{one['uuid']}/logs/", headers={"accept": "text/plain"}).text.splitlines()
        ]


def test_what_the_standby_lacks_comes_from_the_primary(tmp_path: Path) -> None:
    """Lists, streams and output are whole and in order: beside it, while its replay is paused, stopped, and back."""
    with own_server() as primary:
        url = primary.database()
        database = url.partition("?")[0].rpartition("/")[2]
        with standby_of(primary) as standby:
            wait_for(lambda: primary.run("SELECT count(*) FROM pg_stat_replication")[0][0] == 1, "the standby")
            node = Node(url, DEEDBOOK_VIEWS=str(tmp_path), DEEDBOOK_READ_URL=standby.url(database))
            try:
                with following(f"{node.stream}/acme/events/?after=0", bearer(node.key)) as stream:
                    due: list[str] = []
                    seen: list[int] = []

                    def holds(marker: str) -> None:
                        record(node, marker)
                        due.extend((f"{marker} 1", f"{marker} 2"))
                        assert output(node) == due
                        seen.append(stream.frame()["position"])

                    holds("beside it")
                    standby.run("SELECT pg_wal_replay_pause()")
                    holds("paused")
                    holds("paused still")
                    standby.run("SELECT pg_wal_replay_resume()")
                    holds("on again")
                    standby.stop()
                    holds("stopped")
                    standby.start()
                    holds("back")
                    assert seen == sorted(seen)
                    assert len(set(seen)) == len(due) // 2
                # Whoever reads finds that it is back.
                wait_for(
                    lambda: output(node) == due and "is read from again" in node.printed(),
                    "the standby to be read from",
                )
                sessions = standby.run("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'deedbook'")
                assert int(str(sessions[0][0])) >= 1
                assert node.stop()[0] == 0
            finally:
                if node.process.poll() is None:
                    node.kill()


@pytest.mark.parametrize("read_url", ["sqlite:///replica.db", "postgresql://me@/nowhere", "nonsense"])
def test_a_url_that_is_none_is_told_in_one_line(tmp_path: Path, read_url: str) -> None:
    """A replica is of PostgreSQL: anything else, or one for an embedded store, is said before anything is served."""
    done = deedbook(f"sqlite:///{tmp_path}/log.db", "serve", "--port", "0", DEEDBOOK_READ_URL=read_url)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "DEEDBOOK_READ_URL" in done.stderr
