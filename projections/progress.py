"""How a build comes on, for every process of the store to see, and how the last one ended: `views-progress`.

The file is replaced whole, so nobody reads half of it. That a builder is dead, the lock tells, not this file
(`generations.py`).
"""

import contextlib
import os
import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Self

import msgspec
from msgspec import Struct
from msgspec.structs import replace

#: How often everybody is told how far a build is, in seconds.
OFTEN = 0.2


class Phase(StrEnum):
    """What a build is at."""

    STARTING = "starting"
    COPYING = "copying"
    READING = "reading"
    INDEXING = "indexing"
    CATCHING_UP = "catching up"
    CHECKING = "checking"


class Outcome(StrEnum):
    """How a build ended."""

    DONE = "done"
    FAILED = "failed"
    KILLED = "killed"


class Progress(Struct, frozen=True):
    """How far a build has come.

    done: events folded; of: events that there were when it was last looked; rate: of reading, events a second; seconds:
    since it began; seconds_left: until all is read, None where that can't be told; started: microseconds since the
    epoch.
    """

    generation: int
    pid: int
    because: str
    phase: Phase = Phase.STARTING
    done: int = 0
    of: int = 0
    rate: float | None = None
    seconds: float = 0.0
    seconds_left: float | None = None
    started: int = 0


class Ended(Struct, frozen=True):
    """A build that is over: events folded, why it ended as it did, dates in microseconds since the epoch."""

    generation: int
    because: str
    outcome: Outcome
    reason: str | None
    done: int
    started: int
    ended: int


class Builds(Struct, frozen=True):
    """The build that runs and the last one that ended, None where there is none."""

    running: Progress | None = None
    last: Ended | None = None

    @property
    def generation(self) -> int:
        """The greatest number that is told of, 0 where none is."""
        return max((one.generation for one in (self.running, self.last) if one is not None), default=0)


class Telling:
    """Tells how a build comes on, to everybody and to whoever asked for it; and, on leaving, how it ended."""

    def __init__(
        self, begun: Progress, last: Ended | None, tell: Callable[[Builds], None], call: Callable[[Progress], None]
    ) -> None:
        self._now = begun
        self._last = last
        self._tell = tell
        self._call = call
        self._began = self._told = time.monotonic()

    def __enter__(self) -> Self:
        """Begin."""
        self.at(Phase.READING)
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        """Tell how it ended: what raises, has failed."""
        self._say()
        outcome = Outcome.DONE if error is None else Outcome.FAILED
        reason = None if error is None else str(error) or f"It ended with {type(error).__name__}."
        self._tell(Builds(None, ended(self._now, outcome, reason)))

    def at(self, phase: Phase) -> None:
        """Another phase begins."""
        self._now = replace(self._now, phase=phase, seconds_left=None)
        self._say()

    def folded(self, done: int, of: int) -> None:
        """So many events are folded, of so many that there are."""
        seconds = time.monotonic() - self._began
        reading = self._now.phase is Phase.READING
        rate = round(done / seconds, 1) if reading and seconds else self._now.rate
        left = round((of - done) / rate, 1) if reading and rate else None
        self._now = replace(self._now, done=done, of=max(of, done), rate=rate, seconds_left=left)
        if time.monotonic() - self._told >= OFTEN:
            self._say()
        else:
            self._call(self._now)

    def _say(self) -> None:
        self._told = time.monotonic()
        self._now = replace(self._now, seconds=round(self._told - self._began, 3))
        self._tell(Builds(self._now, self._last))
        self._call(self._now)


def ended(progress: Progress, outcome: Outcome, reason: str | None = None) -> Ended:
    """Return a build that ended so when it was last heard of."""
    over = progress.started + round(progress.seconds * 1_000_000)
    return Ended(progress.generation, progress.because, outcome, reason, progress.done, progress.started, over)


def read(path: Path) -> Builds:
    """Return what a file says; nothing where it is missing or can't be made sense of, since it may be lost."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Builds)
    except (FileNotFoundError, msgspec.DecodeError):
        return Builds()


def write(path: Path, builds: Builds) -> None:
    """Replace a file in one step, or leave it as it was where the disk takes no more: who builds hears of that too."""
    fresh = path.with_name(f"{path.name}.new")
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(builds))
        fresh.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)


def now() -> int:
    """Return the present, in microseconds since the epoch."""
    return time.time_ns() // 1000
