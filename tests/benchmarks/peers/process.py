"""Peers that run beside: a module of this package, or any other command, as a process that listens on a port."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tests.support.server import free_port

#: Seconds that a peer has to begin to listen.
PATIENCE = 30


@contextmanager
def running(module: str, *arguments: object) -> Iterator[str]:
    """Run `python -m tests.benchmarks.peers.MODULE PORT ARGUMENTS…`; give its URL once it listens."""
    port = free_port()
    command = [sys.executable, "-m", f"tests.benchmarks.peers.{module}", str(port), *map(str, arguments)]
    with listening(command, port):
        yield f"http://127.0.0.1:{port}/"


@contextmanager
def listening(command: Sequence[str], port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command that listens on a port of this machine; it is killed in the end."""
    # What it prints is not for our table; its errors are seen.
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        _wait(process, port)
        yield process
    finally:
        process.kill()
        process.wait()


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended by itself")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"{process.args!r} does not listen on port {port}")
