"""A real `deedbook serve` in a process of its own, on a free port and a store of its own."""

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp
from uuid import uuid4

import httpx

from deedbook.domain.events import Caller
from deedbook.domain.keys import Role
from deedbook.web.keys import issue_at_once
from deedbook.web.opening import open_store
from deedbook.web.settings import Settings
from deedbook.web.wire import KeyRequest

#: Which process of tests this is, and how many there are.
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))

#: The command as a user has it, beside the Python that runs the tests.
DEEDBOOK = str(Path(sys.executable).with_name("deedbook"))


def environment(url: str, **more: str) -> dict[str, str]:
    """Return the environment of a `deedbook` process: nothing of the developer's own settings."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("DEEDBOOK_") and name != "PORT"}
    return {**clean, "DEEDBOOK_URL": url, **more}


def deedbook(url: str, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command on a store, and return how it ended and what it printed."""
    return subprocess.run(
        [DEEDBOOK, *arguments], env=environment(url, **more), capture_output=True, text=True, timeout=500, check=False
    )


def issue_key(url: str, user: str = "me", namespace: str = "acme", role: str = "admin") -> str:
    """Issue an API key as `deedbook keys create` does, without the half second that a process takes to begin."""
    store = open_store(Settings(url=url))
    try:
        return issue_at_once(store.audit_log, KeyRequest(user, namespace, Role(role)), uuid4, Caller())
    finally:
        store.close()


def free_port() -> int:
    """Return a port that nothing listens on.

    One of those that Linux gives to no outgoing connection, and by chance: other tests look for theirs at the same
    moment. Each process of tests has its own to choose from.
    """
    while True:
        port = random.SystemRandom().randrange(10_000 + _WORKER, 32_768, _WORKERS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class Server:
    """A server that runs; `address` is where, `key` the secret of an admin named me in the namespace acme."""

    def __init__(self, url: str, key: str | None = None, **more: str) -> None:
        self.url = url
        self.key = issue_key(url) if key is None else key
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.api = f"{self.address}/api/audit/v1"
        self.stream = f"ws://127.0.0.1:{self.port}/api/audit/v1"
        self._more = more
        # A file: a pipe that nobody reads would stop a server that prints much.
        folder = Path(mkdtemp(prefix="deedbook-"))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self._printed = folder / "printed"
        self.start()

    def start(self) -> None:
        """Start it, and return when it answers."""
        self._launch()
        for _ in range(600):
            try:
                answers = httpx.get(f"{self.address}/health", timeout=5).status_code == 200
            except httpx.TransportError:
                answers = False
            # Before the answer counts: another server may be at that port.
            assert self.process.poll() is None, self.printed()
            if answers:
                return
            time.sleep(0.05)
        raise AssertionError("the server does not answer")

    def _launch(self) -> None:
        with self._printed.open("a") as printed:
            self.process = subprocess.Popen(
                [DEEDBOOK, "serve", "--port", str(self.port)],
                env=environment(self.url, **self._more),
                stdout=printed,
                stderr=subprocess.STDOUT,
            )

    def client(self, key: str | None = None, user: str = "me") -> httpx.Client:
        """Return an HTTP client that asks as the admin, or with another key."""
        return httpx.Client(base_url=self.api, auth=(user, key or self.key), timeout=30)

    def headers(self, key: str | None = None) -> dict[str, str]:
        """Return the headers that a WebSocket client sends."""
        return {"Authorization": f"Bearer {key or self.key}"}

    def kill(self) -> None:
        """End it as a power cut would: SIGKILL."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> tuple[int, str]:
        """End it as an operator would, with SIGTERM; return its exit status and all that it printed."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=20)
        return self.process.returncode, self.printed()

    def printed(self) -> str:
        """Return all that it printed so far, each time that it ran."""
        return self._printed.read_text()


@contextmanager
def serving(folder: Path, **more: str) -> Iterator[Server]:
    """Give a server on a new store in `folder`; `more` are its DEEDBOOK_… variables."""
    server = Server(f"sqlite:///{folder.resolve()}/log.db", **more)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.kill()
