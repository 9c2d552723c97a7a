"""A full disk: what can't be recorded is answered with 503 and why, nothing is half done, and then it goes on."""

import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import httpx
import pytest

from tests.faults.ledger import wait_for
from tests.support.server import Server, deedbook, serving

#: A body that fills a page and more, so that there is an end to the room that is left.
BODY = "x" * 3000


class Disk(Protocol):
    """Where a store is kept that runs out of room."""

    folder: Path

    def fill(self, server: Server) -> None:
        """Leave no room, or next to none."""

    def free(self, server: Server) -> None:
        """Make room again."""


class SmallDisk:
    """A file system of a few megabytes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self, _server: Server) -> None:
        """Fill it with a file."""
        with (self.folder / "filler").open("wb", buffering=0) as filler:
            for size in (65536, 4096, 1):
                try:
                    while filler.write(b"x" * size) == size:
                        pass
                except OSError:
                    continue

    def free(self, _server: Server) -> None:
        """Remove the file."""
        (self.folder / "filler").unlink()


class LimitedFiles:
    """A process whose files may not grow: to a program that is a full disk, but for the number of the error."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self, server: Server) -> None:
        """Let no file grow beyond what the log has now."""
        size = (self.folder / "log.db-wal").stat().st_size
        self._limit(server, size)

    def free(self, server: Server) -> None:
        """Let them grow again."""
        self._limit(server, resource.RLIM_INFINITY)

    @staticmethod
    def _limit(server: Server, size: int) -> None:
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


@contextmanager
def small_disk(folder: Path) -> Iterator[Disk]:
    """Mount a small file system, which needs root; skip where that is not to be."""
    command = ["mount", "-t", "tmpfs", "-o", "size=3m", "none", str(folder)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"a small file system can't be mounted here: {mounted.stderr.strip()}")
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def limited_files(folder: Path) -> Iterator[Disk]:
    """Give a folder as it is."""
    yield LimitedFiles(folder)


DISKS: dict[str, Callable[[Path], Any]] = {"small disk": small_disk, "limited files": limited_files}


@pytest.fixture(scope="module", params=sorted(DISKS))
def disk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Disk]:
    """A disk that can be full."""
    with DISKS[request.param](tmp_path_factory.mktemp("disk")) as disk:
        yield disk


@pytest.fixture(scope="module")
def server(disk: Disk) -> Iterator[Server]:
    """A server whose store is on that disk."""
    with serving(disk.folder) as server:
        yield server


def record(client: httpx.Client, marker: str) -> httpx.Response:
    """Record an action on an object, with parents, so that there are several events to it."""
    fields = {"action": marker, "method": "POST", "path": "/", "object": "/a/", "parents": [f"/{marker}/"]}
    return client.post(
        "/action/", json={**fields, "state": "Pending", "body": BODY}, headers={"Idempotency-Key": marker}
    )


def listed(client: httpx.Client) -> list[str]:
    """Return the operations of all actions, in order."""
    page = client.get("/acme/action/", params={"limit": 500})
    assert page.status_code == 200, page.text
    return [one["action"] for one in page.json()["objects"]]


def is_told(answer: httpx.Response) -> bool:
    """Tell whether an answer is the contract's 503: one sentence that says what to do, and when to repeat."""
    error = answer.json()["error"]
    assert list(answer.json()) == ["error"]
    assert error.isascii()
    assert "\n" not in error
    assert "Traceback" not in error
    return answer.status_code == 503 and "disk" in error and "repeat" in error and "Retry-After" in answer.headers


def test_a_full_disk_is_told_and_recording_goes_on_when_there_is_room(disk: Disk, server: Server) -> None:
    """A recording is answered with 201 or 202 and is there, or with 503 and is not; the same one succeeds later."""
    with server.client() as client:
        done = [marker for marker in ("first", "second") if record(client, marker).status_code == 202]
        assert listed(client) == done == ["first", "second"]
        disk.fill(server)
        refused: list[str] = []
        for number in range(200):
            answer = record(client, f"action {number}")
            if answer.status_code == 202:
                done.append(f"action {number}")
            else:
                assert is_told(answer), answer.text
                refused.append(f"action {number}")
            if len(refused) == 3:
                break
        assert len(refused) == 3, "the disk was never full"
        health = httpx.get(f"{server.address}/health").json()
        assert health["live"]
        disk.free(server)
        wait_for(lambda: client.get("/action/").status_code == 200, "the list")
        assert listed(client) == done
        assert [record(client, marker).status_code for marker in refused] == [202] * 3
        assert listed(client) == done + refused


def test_a_batch_on_a_full_disk_is_told_line_by_line(disk: Disk, server: Server) -> None:
    """Each line of a batch that can't be recorded says 503, and none of it is there."""
    fields = b'{"action": "batched", "method": "POST", "path": "/", "state": "Success", "body": "%s"}' % BODY.encode()
    with server.client() as client:
        before = listed(client)
        disk.fill(server)
        answer = client.post(
            "/action/", content=b"\n".join([fields] * 400), headers={"Content-Type": "application/x-ndjson"}
        )
        disk.free(server)
        assert answer.status_code == 200
        assert answer.text.count('"status":503') == 400
        wait_for(lambda: client.get("/action/").status_code == 200, "the list")
        assert listed(client) == before


def test_nothing_is_half_done(disk: Disk, server: Server) -> None:
    """After all that the log is whole: positions, versions and leaves."""
    with server.client() as client:
        assert record(client, "last").status_code == 202
    done = deedbook(f"sqlite:///{disk.folder}/log.db", "verify")
    assert done.returncode == 0, done.stderr
