"""Builds of the views, each in a process of its own: it shares no interpreter with recording, and ends with the server.

The child inherits the claim (`projections/generations.py`), so that from the first moment everybody sees that a build
runs, and nobody once the child is dead, however it died. What it does is in `building.py`.
"""

import contextlib
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import NamedTuple, Self

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from deedbook.domain.errors import Unavailable
from deedbook.domain.log import EventLog
from deedbook.projections.generations import KILLED, AlreadyBuilding, Generations
from deedbook.projections.progress import Builds, Outcome, Progress, ended, now
from deedbook.projections.rebuild import BuildAbandoned
from deedbook.web.settings import Settings

#: How often it is looked whether a build is still wanted, and how long one that is not may take to end, in seconds.
_LOOK, _ENDING = 0.1, 1.5

_log = logging.getLogger(__name__)


class BuildFailed(Unavailable):
    """A build in another process came to nothing."""


class Order(Struct):
    """What a child is told: the descriptor and the number of its claim, why it builds, and whose child it is."""

    settings: Settings
    lock: int
    generation: int
    because: str
    parent: int

    def encoded(self) -> bytes:
        """Return it as bytes; paths, of which JSON has none, as text."""
        return msgspec.json.encode(self, enc_hook=str)

    @classmethod
    def decoded(cls, order: bytes) -> Self:
        """Return what `encoded` made bytes of."""
        return msgspec.json.decode(order, type=cls, dec_hook=lambda kind, text: kind(text))


class _Build(NamedTuple):
    """A build that was begun, and the process that is at it."""

    process: subprocess.Popen[bytes]
    begun: Progress


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
        build = self._started(because)
        threading.Thread(target=self._seen_off, args=(build,), name="deedbook-build", daemon=True).start()

    def run(self, because: str, abandoned: Callable[[], bool]) -> None:
        """Build, and return when the new generation answers; raises why it does not."""
        build = self._started(because)
        process = build.process
        try:
            while process.poll() is None:
                if abandoned():
                    self._end(process)
                    raise BuildAbandoned
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(_LOOK)
        finally:
            why = self._over(build)
        if why is not None:
            raise BuildFailed(why)

    def close(self) -> None:
        """End what runs, leaving nothing half done, and start nothing more."""
        with self._starting:
            self._closing = True
        for process in list(self._processes):
            self._end(process)

    def _started(self, because: str) -> _Build:
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
                begun = replace(begun, pid=process.pid)
                self._generations.tell(Builds(begun, last))
                _give(process, Order(self._settings, claim.lock, claim.generation, because, os.getpid()))
            except OSError as error:
                failure = BuildFailed(f"No process can be started to build the views ({error.strerror}).")
                self._generations.tell(Builds(None, ended(begun, Outcome.FAILED, str(failure))))
                raise failure from error
            finally:
                os.close(claim.lock)
            self._generations.note(Builds(begun, last))
            return _Build(process, begun)

    def _seen_off(self, build: _Build) -> None:
        why = self._over(build)
        if why is not None and not self._closing:
            _log.warning("The views were not built anew: %s", why)

    def _over(self, build: _Build) -> str | None:
        """Wait for the end of a build, note it, and return why it came to nothing, None where it did not."""
        process = build.process
        status = process.wait()
        said = _said(process)
        self._processes.discard(process)
        if status == 0:
            self._generations.note(Builds())
            return None
        over = replace(build.begun, seconds=round((now() - build.begun.started) / 1_000_000, 3))
        why = KILLED if status < 0 else said or f"Its process ended with status {status}; see to what it printed."
        self._generations.note(Builds(None, ended(over, Outcome.KILLED if status < 0 else Outcome.FAILED, why)))
        return why

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
    return subprocess.Popen(  # noqa: S603  # nothing of it comes from outside
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=[lock]
    )


def _give(process: subprocess.Popen[bytes], order: Order) -> None:
    # On standard input, since arguments are for everybody on the machine to see, and a store's URL may hold a password.
    if process.stdin is not None:
        process.stdin.write(order.encoded())
        process.stdin.close()


def _said(process: subprocess.Popen[bytes]) -> str:
    """Return what a process that has ended said of that, "" where it was killed."""
    assert process.stdout is not None  # noqa: S101  # it was asked for
    with process.stdout as said:
        # One that was killed may have left others behind, which have it open for a while.
        return said.read().decode(errors="replace") if process.returncode > 0 else ""
