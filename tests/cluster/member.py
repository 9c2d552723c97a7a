"""One node of the cluster: a PostgreSQL server, and the Patroni that looks after it."""

import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from tests.cluster.program import Program
from tests.cluster.programs import Programs
from tests.support.server import free_port

#: Seconds that a leader's lease lasts. Patroni takes no less.
TTL = 20

#: Of every database user.
PASSWORD = "loopback only"


class Member(Program):
    """A PostgreSQL node and the Patroni that looks after it."""

    def __init__(self, name: str, folder: Path, programs: Programs, etcd: int) -> None:
        self.port, self.rest = free_port(), free_port()
        self.data = folder / name
        settings = folder / f"{name}.yml"
        # JSON is YAML too.
        settings.write_text(json.dumps(self._settings(name, programs, etcd)))
        super().__init__(name, [sys.executable, "-m", "patroni", str(settings)])

    def all(self) -> list[psutil.Process]:
        """Return its processes: Patroni's, and those of PostgreSQL, which is no child of it."""
        found = super().all()
        with suppress(OSError, ValueError, psutil.NoSuchProcess):
            server = psutil.Process(int((self.data / "postmaster.pid").read_text().split("\n", 1)[0]))
            # The file outlives a server that was killed, and its number may be another's by now.
            if str(self.data) in server.cmdline():
                found += [server, *server.children(recursive=True)]
        return found

    def _settings(self, name: str, programs: Programs, etcd: int) -> dict[str, Any]:
        # Any: Patroni's own, of every type that JSON has.
        address = f"127.0.0.1:{self.rest}"
        return {
            "scope": "deedbook",
            "name": name,
            "restapi": {"listen": address, "connect_address": address},
            "etcd3": {"hosts": f"127.0.0.1:{etcd}"},
            "bootstrap": {
                "dcs": {
                    "ttl": TTL,
                    "loop_wait": 2,
                    "retry_timeout": 5,
                    "synchronous_mode": True,
                    "synchronous_mode_strict": True,
                    "synchronous_node_count": 1,
                    "postgresql": {
                        "use_pg_rewind": True,
                        "parameters": {"synchronous_commit": "on", "max_connections": 80, "shared_buffers": "32MB"},
                    },
                },
                "initdb": [{"encoding": "UTF8"}, {"locale": "C.UTF-8"}, "data-checksums"],
            },
            "postgresql": {
                "listen": f"127.0.0.1:{self.port}",
                "connect_address": f"127.0.0.1:{self.port}",
                "data_dir": str(self.data),
                "bin_dir": str(programs.postgres),
                "pgpass": str(self.data.with_name(f"{name}.pgpass")),
                "parameters": {"unix_socket_directories": ""},
                "pg_hba": [
                    "host all all 127.0.0.1/32 scram-sha-256",
                    "host replication all 127.0.0.1/32 scram-sha-256",
                ],
                "authentication": {
                    user: {"username": name_of_it, "password": PASSWORD}
                    for user, name_of_it in (("superuser", "postgres"), ("replication", "replicator"))
                },
            },
        }
