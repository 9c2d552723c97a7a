"""An export as a file: written whole or not at all, plain or gzip, and read line by line."""

import gzip
import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from deedbook.domain.store.placing import new_file

#: The longest line that is read, in bytes: those of an export are far shorter, and what is none may be one line.
LONGEST = 256 * 1024 * 1024

#: How often progress is told, in lines.
_TOLD = 1000

_GZIP = b"\x1f\x8b"


@contextmanager
def written_to(place: Path | None) -> Iterator[IO[bytes]]:
    """Give what to write an export to: standard output (None), or a new file (see `new_file`), compressed for .gz."""
    if place is None:
        # A stream of our own: what can't be written is then an error here, and not when Python ends.
        with os.fdopen(os.dup(1), "wb") as out:
            yield out
        return
    with new_file(place) as fresh, fresh.open("wb") as file:
        if place.suffix != ".gz":
            yield file
            return
        # Without a name and a date in it, the same export is the same file.
        with gzip.GzipFile("", "wb", 6, file, mtime=0) as packed:
            yield packed  # type: ignore[misc]  # it is one in all but its type


def lines_of(path: Path, progress: Callable[[int], None]) -> Iterator[bytes]:
    """Yield the lines of a file with their line feeds, compressed or not, whatever its name; the last may have none.

    A file named `-` is standard input. A line that is longer than `LONGEST` comes in pieces. `progress` is told how
    many bytes of the file were read. Raises OSError, EOFError or `zlib.error` where it can't be read any further.
    """
    with os.fdopen(os.dup(0), "rb") if str(path) == "-" else path.open("rb") as file:
        lines: IO[bytes] = file
        if file.peek(2).startswith(_GZIP):
            lines = io.BufferedReader(gzip.GzipFile(fileobj=file))
        number = 0
        while line := lines.readline(LONGEST):
            yield line
            number += 1
            # A pipe knows no place.
            if number % _TOLD == 0 and file.seekable():
                progress(file.tell())
