"""A file that is put in its place whole and durable, or not at all, and never over another.

It is written under a name of its own beside its place. `link` gives it the final one: in one step, and the kernel
refuses where that name is taken, whoever took it meanwhile. Whoever is killed before leaves nothing under the final
name; what is left under the other is recognized by its lock, which nobody holds any more, and the next one removes it.
"""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path

from deedbook.domain.errors import DeedbookError

_SUFFIX = ".partial"

#: What SQLite and the writer's turn put beside a file.
_COMPANIONS = ("-wal", "-shm", "-journal", "-turn")


class FileTaken(DeedbookError):
    """There is a file of this name already, and it is left as it is."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is there already and was left as it is; name another file.")


class NoFolder(DeedbookError):
    """There is no folder to put the file in."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"There is no folder {path.parent} to put {path.name} in; make it, or name another file.")


@contextmanager
def new_file(place: Path) -> Iterator[Path]:
    """Give the path of an empty file, for its owner alone, that gets its `place` when all went well.

    Whatever was opened on that path must be closed by then. On return both the file and its name are durable. Raises
    `FileTaken` where there is one in its place, before or after it was written, and `NoFolder`.
    """
    if os.path.lexists(place):
        raise FileTaken(place)
    if not place.parent.is_dir():
        raise NoFolder(place)
    _clear(place)
    fresh, descriptor = _begin(place)
    try:
        yield fresh
        os.fsync(descriptor)
        try:
            os.link(fresh, place)
        except FileExistsError:
            raise FileTaken(place) from None
        sync_folder(place.parent)
    finally:
        _remove(fresh)
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Make the names of new files in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _begin(place: Path) -> tuple[Path, int]:
    """Make a file beside a place and lock it: a lock that is held says that somebody is at work."""
    while True:
        descriptor, name = tempfile.mkstemp(prefix=f".{place.name}.", suffix=_SUFFIX, dir=place.parent)
        if _locked(descriptor) and os.fstat(descriptor).st_nlink:
            return Path(name), descriptor
        # Somebody who cleared away was faster than the lock.
        os.close(descriptor)


def _clear(place: Path) -> None:
    """Remove what those left who died while they wrote to this place."""
    for left in place.parent.glob(f".{escape(place.name)}.*{_SUFFIX}"):
        try:
            descriptor = os.open(left, os.O_RDONLY)
        except FileNotFoundError:
            continue
        try:
            if _locked(descriptor):
                _remove(left)
        finally:
            os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _remove(fresh: Path) -> None:
    # The file itself goes last: it is by its name that what was left is found.
    for companion in _COMPANIONS:
        fresh.with_name(fresh.name + companion).unlink(missing_ok=True)
    fresh.unlink(missing_ok=True)
