"""A file on disk as lines of bytes: plain or gzip, UTF-8 or UTF-16, whole or damaged."""

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from deedbook.web.importing.items import NotALog

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

BLOCK = 1 << 18
GZIP = b"\x1f\x8b"
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

#: Some line begins as a JSON object or list does.
JSON = re.compile(rb"^(?:\xef\xbb\xbf)?[ \t,\x1e]*[{[]", re.MULTILINE)

#: How the first line of what `deedbook export` writes begins.
_EXPORT = b'{"kind":"deedbook export"'

Progress = Callable[[int], None]


class Source:
    """An open log. It holds at most one block and one line in memory.

    `damage` says, once `lines` has run out, why it ended before the log did; None when it did not.
    Opening raises NotALog for what can't be opened, is empty, or does not begin like a log.
    """

    def __init__(self, path: Path, progress: Progress | None = None) -> None:
        self.damage: str | None = None
        self._file = _opened(path, progress)
        self._blocks = _in_utf_8(self._unzipped())
        self._first = next(self._blocks, b"")
        if self._first.startswith(_EXPORT):
            self._file.close()
            raise NotALog(f"{path} is an export of a whole store; `deedbook import` takes it.")
        if not self._begins_like_a_log():
            self._file.close()
            raise NotALog(f"{path} {'is no log: it is not JSON' if self._first.strip() else 'is empty'}.")

    def lines(self) -> Iterator[bytes]:
        """Yield every line without its line feed; the file is closed when they end."""
        with self._file:
            # A line may be a whole document, so its pieces are joined once.
            pieces: list[bytes] = []
            for block in chain((self._first,), self._blocks):
                head, *rest = block.split(b"\n")
                pieces.append(head)
                for piece in rest:
                    yield b"".join(pieces)
                    pieces = [piece]
            yield b"".join(pieces)

    def _begins_like_a_log(self) -> bool:
        """Whether the first block holds JSON, or might have if it had not been damaged."""
        return self.damage is not None or JSON.search(self._first) is not None

    def _unzipped(self) -> Iterator[bytes]:
        """Yield the log in blocks. Its first bytes tell whether it is compressed; names can't be relied on."""
        try:
            zipped = self._file.peek(len(GZIP)).startswith(GZIP)
            stream = gzip.GzipFile(fileobj=self._file) if zipped else self._file
            while block := stream.read1(BLOCK):
                yield block
        except EOFError:
            self.damage = "The compressed file ends early; what is missing can't be read."
        except (gzip.BadGzipFile, zlib.error):
            self.damage = "The compressed file is damaged here; the rest of it can't be read."
        except OSError as error:
            self.damage = f"The file can't be read any further: {error.strerror or error}."


class _Counted(io.RawIOBase):
    """A file that reports how many of its bytes were read."""

    def __init__(self, file: io.FileIO, progress: Progress | None) -> None:
        self._file = file
        self._progress = progress
        self._count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        count = self._file.readinto(buffer) or 0
        self._count += count
        if self._progress is not None:
            self._progress(self._count)
        return count

    def close(self) -> None:
        self._file.close()
        super().close()


def _opened(path: Path, progress: Progress | None) -> io.BufferedReader:
    try:
        return io.BufferedReader(_Counted(path.open("rb", buffering=0), progress), BLOCK)
    except IsADirectoryError:
        raise NotALog(f"{path} is a directory; name the logs in it.") from None
    except OSError as error:
        raise NotALog(f"{path} can't be read: {error.strerror or error}.") from None


def _in_utf_8(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield `blocks` in UTF-8: PowerShell's `>` writes what a command prints as UTF-16."""
    first = next(blocks, b"")
    if not first.startswith(UTF_16):
        yield first
        yield from blocks
        return
    decoder = codecs.getincrementaldecoder("utf-16")("replace")
    for block in chain((first,), blocks):
        yield decoder.decode(block).encode()
