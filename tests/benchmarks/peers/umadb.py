"""UmaDB: an event store in Rust: its server beside us, its client in threads of this process, one event an append."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import umadb

from tests.benchmarks.peers.process import listening
from tests.support.server import free_port


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Run its server, durable as it is by default, on a database in a folder; give its URL."""
    port = free_port()
    command = str(Path(sys.executable).with_name("umadb"))
    with listening([command, "--listen", f"127.0.0.1:{port}", "--db-path", str(folder / "uma.db")], port):
        yield f"http://127.0.0.1:{port}"


def append(url: str, body: bytes, callers: int, seconds: float) -> tuple[float, int]:
    """Let so many callers append one event after the other; return appends a second, and how many there were."""
    counts = [0] * callers
    until = time.perf_counter() + seconds

    def call(which: int) -> None:
        client = umadb.Client(url)
        while time.perf_counter() < until:
            client.append([umadb.Event(event_type="action.recorded/1", data=body, tags=["bench"])])
            counts[which] += 1

    began = time.perf_counter()
    threads = [threading.Thread(target=call, args=(which,)) for which in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - began), sum(counts)


def stored(url: str) -> int:
    """Return how many events its database holds."""
    return umadb.Client(url).head() or 0
