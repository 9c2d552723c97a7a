"""Builds of the views, each in a process of its own: it shares no interpreter with recording, and ends with the server.

The child inherits the claim (`projections/generations.py`), so that from the first moment everybody sees that a build
runs, and nobody once the child is dead, however it died. What it does is in `building.py`.
"""

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable

import msgspec
from msgspec import Struct

from deedbook.domain.errors import Unavailable
from deedbook.domain.log import EventLog
from deedbook.projections.generations import AlreadyBuilding, Generations
from deedbook.projections.progress import Builds, Outcome, Progress, ended, now
from deedbook.projections.rebuild import BuildAbandoned
from deedbook.web.settings import Settings

#: How often it is looked whether a build is still wanted, and how long one that is not may take to end, in seconds.
_LOOK, _ENDING = 0.1, 1.5


class BuildFailed(Unavailable):
    """A build in another process came to nothing."""


class Order(Struct):
    """What a child is told: the descriptor and the number of its claim, why it builds, and whose child it is."""

    settings: Settings
    lock: int
    generation: int
    because: str
    parent: int


class Builder:
    """Starts builds and sees to their ends."""

    def __init__(self, settings: Settings, log: EventLog, generations: Generations) -> None:
        self._settings = settings
        self._log = log
        self._generations = generations
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._starting = threading.Lock()
        self._closing = False

    def start(self, because: str) -> None:
        """Begin to build; on return everybody sees that it runs. Raises `AlreadyBuilding`, `BuildFailed`."""
        process = self._started(because)
        threading.Thread(target=self._seen_off, args=(process,), name="deedbook-build", daemon=True).start()

    def run(self, because: str, abandoned: Callable[[], bool]) -> None:
        """Build, and return when the new generation answers; raises why it does not."""
        process = self._started(because)
        while process.poll() is None:
            if abandoned():
                self._end(process)
                raise BuildAbandoned
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_LOOK)
        self._processes.discard(process)
        if process.returncode:
            last = self._generations.builds().last
            raise BuildFailed((last and last.reason) or "The build of the views came to nothing.")

    def close(self) -> None:
        """End what runs, leaving nothing half done, and start nothing more."""
        with self._starting:
            self._closing = True
        for process in list(self._processes):
            self._end(process)

    def _started(self, because: str) -> subprocess.Popen[bytes]:
        with self._starting:
            if self._closing:
                raise BuildAbandoned
            if self._generations.builds().running is not None:
                # The claim would say so too, but only after a while.
                raise AlreadyBuilding
            claim = self._generations.claim()
            begun = Progress(claim.generation, os.getpid(), because, of=self._log.head(), started=now())
            last = self._generations.last_build(claim)
            try:
                self._generations.tell(Builds(begun, last))
                process = _child(claim.lock)
                self._processes.add(process)
                self._generations.tell(Builds(msgspec.structs.replace(begun, pid=process.pid), last))
                _give(process, Order(self._settings, claim.lock, claim.generation, because, os.getpid()))
            except OSError as error:
                failure = BuildFailed(f"No process can be started to build the views ({error.strerror}).")
                self._generations.tell(Builds(None, ended(begun, Outcome.FAILED, str(failure))))
                raise failure from error
            finally:
                os.close(claim.lock)
            return process

    def _seen_off(self, process: subprocess.Popen[bytes]) -> None:
        process.wait()
        self._processes.discard(process)

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        process.terminate()
        try:
            process.wait(_ENDING)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            # It could not tidy up.
            with contextlib.suppress(AlreadyBuilding), self._generations.building(self._generations.claim()):
                pass
        self._processes.discard(process)


def _child(lock: int) -> subprocess.Popen[bytes]:
    # -P: the folder that the server was started in may hold files that are named as our modules.
    command = [sys.executable, "-P", "-m", "deedbook.web.building"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[lock])  # noqa: S603  # nothing of it comes from outside


def _give(process: subprocess.Popen[bytes], order: Order) -> None:
    # On standard input, since arguments are for everybody on the machine to see, and a store's URL may hold a password.
    if process.stdin is not None:
        process.stdin.write(msgspec.json.encode(order))
        process.stdin.close()
