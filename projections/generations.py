"""Which file the views are in: `views-N.db`, where the greatest N answers.

A generation is built beside the one in use, as `views-N.building`, and put in its place by giving it its name: one
step, for every process at once. Its number is a time, so that a name is never used twice, even when all were deleted.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deedbook.domain.errors import Unavailable


class ViewsMissing(Unavailable):
    """There are no views yet: they are being built."""

    def __init__(self) -> None:
        super().__init__("The views are being built from the log; repeat in a few seconds.")


class AlreadyBuilding(Unavailable):
    """A generation is being built by somebody else."""

    def __init__(self) -> None:
        super().__init__("The views are being rebuilt already; wait until that is done.")


class Generations:
    """The files of views in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def current(self) -> Path | None:
        """Return the file that answers, None where there is none yet."""
        return max(self.folder.glob("views-*.db"), key=_number, default=None)

    @contextmanager
    def building(self) -> Iterator[Path]:
        """Give the path to build a new generation at, to one builder at a time; remove what one that died left."""
        lock = os.open(self.folder / "views-building", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            current = self.current()
            self._remove("views-*.building*")
            number = max(int(time.time()), 1 + (_number(current) if current else 0))
            yield self.folder / f"views-{number}.building"
        except BlockingIOError:
            raise AlreadyBuilding from None
        finally:
            os.close(lock)

    def publish(self, built: Path) -> Path:
        """Let a finished file answer from now on, durably, and return its new path."""
        published = built.with_suffix(".db")
        _sync(built)
        built.rename(published)
        _sync(self.folder)
        return published

    def retire(self, current: Path) -> None:
        """Remove every generation but `current`; readers that have an old one open end their query on it."""
        for old in self.folder.glob("views-*.db"):
            if old != current:
                self._remove(f"{old.name}*")

    def _remove(self, pattern: str) -> None:
        for path in self.folder.glob(pattern):
            path.unlink(missing_ok=True)


def _number(path: Path) -> int:
    digits = path.stem.partition("-")[2]
    return int(digits) if digits.isdigit() else -1


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
