"""Which file the views are in: `views-N.db`, where the greatest N answers.

A generation is built beside the one in use, as `views-N.….building`, and put in its place by giving it its name: one
step, for every process at once. Its number is a time, so that a name is never used twice, even when all were deleted:
SQLite would let a connection to the old file remove the journal of the new one. Any of these files may be deleted at
any time.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from deedbook.domain.errors import Unavailable
from deedbook.projections import progress
from deedbook.projections.progress import Builds, Ended, Outcome, Progress

#: Whoever asks whether a builder lives holds its lock for some microseconds: so a claim is tried for some time, in s.
_CLAIMING, _STEP = 0.25, 0.01

#: Why a build came to nothing that did not live to say so.
KILLED = "Its process was killed; the views that were there answer on."


class ViewsMissing(Unavailable):
    """There are no views that can be read: they are being built."""

    def __init__(self) -> None:
        super().__init__("The views are being built from the log; repeat in a few seconds.")


class ViewsNewer(Unavailable):
    """The views are of a newer release, which alone keeps them."""

    def __init__(self) -> None:
        super().__init__(
            "The views are of a newer release of Deedbook, which this one leaves alone: start that release again,"
            " or go back for good with `deedbook rebuild`."
        )


class AlreadyBuilding(Unavailable):
    """A generation is being built by somebody else."""

    def __init__(self) -> None:
        super().__init__("The views are being rebuilt already; wait until that is done.")


class Claim(NamedTuple):
    """The right to build: `lock` is the descriptor that holds it, and which a child may inherit with it."""

    lock: int
    generation: int


class Generations:
    """The files of views in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._progress = folder / "views-progress"
        self._noted = Builds()

    def current(self) -> Path | None:
        """Return the file that answers, None where there is none yet."""
        return max(self.folder.glob("views-*.db"), key=number_of, default=None)

    def claim(self) -> Claim:
        """Take the right to build, which one builder at a time has; raises `AlreadyBuilding`.

        The kernel gives it back when all who have its descriptor are dead.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(self.folder / "views-building", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        deadline = time.monotonic() + _CLAIMING
        while not _taken(lock, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                os.close(lock)
                raise AlreadyBuilding
            time.sleep(_STEP)
        return Claim(lock, self._next())

    @contextmanager
    def building(self, claim: Claim) -> Iterator[Path]:
        """Give the path to build a new generation at; what was not published, then or before, is removed."""
        self._remove("views-*.building*")
        try:
            # With the process, so that two never share a file, even if somebody deleted the lock between them.
            yield self.folder / f"views-{claim.generation}.{os.getpid()}.building"
        finally:
            self._remove("views-*.building*")
            os.close(claim.lock)

    def builds(self) -> Builds:
        """Return the build that runs, whoever builds, and how the last one ended."""
        builds = self._told()
        if builds.running is None or self._is_claimed() or self._is_noted(builds.running):
            return builds
        # The builder may have said its last word between the two looks.
        builds = self._told()
        return builds if builds.running is None else Builds(None, self._outcome(builds.running))

    def last_build(self, claim: Claim) -> Ended | None:
        """Return how the build before a claim ended, for who has it."""
        builds = self._told()
        if builds.running is None or builds.running.generation == claim.generation:
            return builds.last
        return self._outcome(builds.running)

    def tell(self, builds: Builds) -> None:
        """Let everybody know how a build comes on; for whoever has the claim."""
        progress.write(self._progress, builds)

    def note(self, builds: Builds) -> None:
        """Keep in mind how a build comes on that this process sees to: of that a disk that is full takes no word.

        One that runs is noted again when it is over, as ended or as nothing.
        """
        self._noted = builds

    def publish(self, built: Path) -> Path:
        """Let a finished file answer from now on, durably, and return its new path."""
        published = built.with_name(f"{built.name.partition('.')[0]}.db")
        sync(built)
        built.rename(published)
        sync(self.folder)
        return published

    def retire(self, current: Path) -> None:
        """Remove the generations before `current`; readers that have one open end their query on it."""
        for old in self.folder.glob("views-*.db"):
            if number_of(old) < number_of(current):
                self.remove(old)
        self._remove("views-*.damaged")
        for left in self.folder.glob("views-*.db-*"):
            if not left.with_name(left.name.rpartition("-")[0]).exists():
                left.unlink(missing_ok=True)

    def remove(self, path: Path) -> None:
        """Let a generation answer no more."""
        self._remove(f"{path.name}*")

    def condemn(self, path: Path, inode: int | None) -> None:
        """Let a damaged generation answer no more, unless another file has its name by now.

        It is kept under another name until there is a new one, so that whoever builds that can say why.
        """
        if inode is not None and inode_of(str(path)) == inode:
            # Others, who have found the same damage, may be faster.
            with suppress(FileNotFoundError):
                path.replace(path.with_suffix(".damaged"))
            self._remove(f"{path.name}-*")

    def is_damaged(self) -> bool:
        """Tell whether a generation was found damaged since the last one was built."""
        return any(self.folder.glob("views-*.damaged"))

    def _next(self) -> int:
        """Return a number greater than each that was used, as far as is known: the clock may have gone back."""
        current = self.current()
        known = (0 if current is None else number_of(current), self._told().generation)
        return max(int(time.time()), 1 + max(known))

    def _told(self) -> Builds:
        """Return what is written down, or what is noted, where no word of that could be."""
        written, noted = progress.read(self._progress), self._noted
        return noted if noted.generation > written.generation else written

    def _is_noted(self, build: Progress) -> bool:
        noted = self._noted.running
        return noted is not None and noted.generation == build.generation

    def _is_claimed(self) -> bool:
        try:
            lock = os.open(self.folder / "views-building", os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            return not _taken(lock, fcntl.LOCK_SH)
        finally:
            os.close(lock)

    def _outcome(self, dead: Progress) -> Ended:
        """Return how a builder ended that could not say so itself."""
        current, noted = self.current(), self._noted.last
        if current is not None and number_of(current) == dead.generation:
            return progress.ended(dead, Outcome.DONE)
        if noted is not None and noted.generation == dead.generation:
            return progress.ended(dead, noted.outcome, noted.reason)
        return progress.ended(dead, Outcome.KILLED, KILLED)

    def _remove(self, pattern: str) -> None:
        # A database before its journals, which sort behind it: who opens it in between would read it without them.
        for path in sorted(self.folder.glob(pattern)):
            path.unlink(missing_ok=True)


def number_of(path: Path) -> int:
    """Return the number of a generation, -1 of what is none."""
    digits = path.stem.partition("-")[2]
    return int(digits) if digits.isdigit() else -1


def inode_of(path: str) -> int | None:
    """Tell a file from one of the same name: an open connection would go on reading the one that was removed."""
    try:
        return os.stat(path).st_ino  # noqa: PTH116  # 1 µs, where Path.stat takes 4, for each query
    except FileNotFoundError:
        return None


def sync(path: Path) -> None:
    """Write a file or a folder to disk; no connection to it may be open, which would lose its locks by that."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _taken(lock: int, kind: int) -> bool:
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
