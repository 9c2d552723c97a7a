"""Three PostgreSQL nodes under Patroni, with etcd, on loopback: a real cluster that can be hurt.

A commit is answered when the synchronous standby has it too (`synchronous_mode_strict`): without one nothing commits.
"""

import shutil
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from urllib.parse import quote

import httpx
import psycopg

from tests.cluster.member import PASSWORD, Member
from tests.cluster.program import LOGS, Program
from tests.cluster.programs import USER, Programs
from tests.faults import ledger
from tests.support.server import free_port
from tests.support.unprivileged import given_to

#: Waits for what takes its time, on a machine that does much else.
wait_for = partial(ledger.wait_for, seconds=180)


class Cluster:
    """A cluster that runs; `url` names all its nodes, and leads to the one that takes writes."""

    def __init__(self, programs: Programs, folder: Path) -> None:
        etcd, peers = free_port(), free_port()
        self.etcd = Program(
            "etcd",
            [
                str(programs.etcd), "--name", "one", "--data-dir", str(folder / "etcd"),
                "--listen-client-urls", f"http://127.0.0.1:{etcd}",
                "--advertise-client-urls", f"http://127.0.0.1:{etcd}",
                "--listen-peer-urls", f"http://127.0.0.1:{peers}",
                "--initial-advertise-peer-urls", f"http://127.0.0.1:{peers}",
                "--initial-cluster", f"one=http://127.0.0.1:{peers}",
                # On one machine all disks are one, and are busy: don't call the leader lost for that.
                "--heartbeat-interval", "500", "--election-timeout", "5000",
            ],
        )  # fmt: skip
        self.members = [Member(name, folder, programs, etcd) for name in ("a", "b", "c")]
        self._etcd_health = f"http://127.0.0.1:{etcd}/health"

    def url(self, database: str = "postgres", user: str = "postgres") -> str:
        """Return the URL that leads to the node that takes writes, whichever it is."""
        hosts = ",".join(f"127.0.0.1:{member.port}" for member in self.members)
        return (
            f"postgresql://{user}:{quote(PASSWORD)}@{hosts}/{database}"
            "?target_session_attrs=read-write&connect_timeout=3"
        )

    def start(self) -> None:
        """Start all of it, and return when it is whole: a leader, a synchronous standby, and another."""
        self.etcd.start()
        wait_for(lambda: _json(self._etcd_health).get("health") == "true", "etcd")
        for member in self.members:
            member.start()
        self.wait_until_whole()

    def roles(self) -> Mapping[str, str]:
        """Return what each node is that runs as it should, by its name: leader, sync_standby, replica.

        One that runs, but does not follow the leader yet, may be wound back first: until then it is no standby.
        """
        for member in self.members:
            found = _json(f"http://127.0.0.1:{member.rest}/cluster").get("members", [])
            if found:
                return {
                    one["name"]: one["role"]
                    for one in found
                    if one["state"] == ("running" if one["role"] == "leader" else "streaming")
                }
        return {}

    def leader(self) -> Member | None:
        """Return the node that takes writes by its own word, or None where there is none now."""
        return next((one for one in self.members if _status(f"http://127.0.0.1:{one.rest}/primary") == 200), None)

    def wait_until_whole(self) -> None:
        """Return when each node has its part, and a commit is answered."""
        wait_for(lambda: sorted(self.roles().values()) == ["leader", "replica", "sync_standby"], "a whole cluster")

    def wait_for_leader(self, other_than: Member | None = None) -> Member:
        """Return the node that takes writes, once there is one that is not `other_than`."""
        wait_for(lambda: self.leader() not in (None, other_than), "a new leader")
        leader = self.leader()
        assert leader is not None
        return leader

    def database(self, name: str) -> str:
        """Make an empty database, that an ordinary user of its name owns, and return its URL."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'".encode())
            connection.execute(f"CREATE DATABASE {name} OWNER {name}".encode())
        return self.url(name, name)

    def mend(self) -> None:
        """Continue what was paused, start what was killed, and return when all is whole."""
        for member in self.members:
            member.send(signal.SIGCONT)
            if not Program.all(member):
                member.start()
        self.wait_until_whole()

    def kill(self) -> None:
        """End all of it at once, also what is paused."""
        for program in (*self.members, self.etcd):
            program.kill()


@contextmanager
def running(programs: Programs) -> Iterator[Cluster]:
    """Give a cluster that is whole; at the end nothing of it is left but what it printed, in `LOGS`."""
    shutil.rmtree(LOGS, ignore_errors=True)
    LOGS.mkdir(parents=True)
    # Not below pytest's own folder, which is closed to the user that the cluster runs as.
    folder = given_to(Path(mkdtemp(prefix="deedbook-cluster-")), USER)
    cluster = Cluster(programs, folder)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.kill()
        shutil.rmtree(folder)


def _json(address: str) -> dict[str, Any]:
    # Any: a JSON document; Patroni answers 503 with one too.
    with suppress(httpx.TransportError, ValueError):
        found: dict[str, Any] = httpx.get(address, timeout=5).json()
        return found
    return {}


def _status(address: str) -> int | None:
    with suppress(httpx.TransportError):
        return httpx.get(address, timeout=5).status_code
    return None
