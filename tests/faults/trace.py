"""The system calls of a program, as `strace -f -xx -yy` saw them, in the order in which they happened.

strace handles one stop of a thread after the other and writes a line for each. The line of a call's beginning is
written before the kernel runs it, that of its return before the thread goes on: so of two calls, one that returned in
an earlier line than the other began in was over before the other could have any effect.
"""

import re
import struct
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

#: What has to be traced, and how: strings as hexadecimal digits and whole, descriptors with what they are open on.
OPTIONS = (
    "-f", "--seccomp-bpf", "-xx", "-yy", "-s", "100000", "-e", "signal=none",
    "-e", "trace=pwrite64,pwritev,write,writev,sendto,sendmsg,fdatasync,fsync",
)  # fmt: skip

_BEGUN = re.compile(r"(\d+) +(\w+)\(\d+<((?:->|[^>])*)>(.*)")
_RESUMED = re.compile(r"(\d+) +<\.\.\. \w+ resumed>")
_RESULT = re.compile(r"\) += (-?\d+)")
_STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


class Call(NamedTuple):
    """A system call: the lines in which it began and returned, what it was done to, what it wrote, what it returned."""

    began: int
    returned: int
    thread: int
    name: str
    file: str
    data: bytes
    result: int


def is_whole(trace: Path, process: int) -> bool:
    """Tell whether a trace goes to the end of its process."""
    return re.search(rf"^{process} +\+\+\+ ", trace.read_text(), re.MULTILINE) is not None


def calls(trace: Path) -> list[Call]:
    """Return all calls that returned, in the order in which they began."""
    found: list[Call] = []
    under_way: dict[int, Call] = {}
    for number, line in enumerate(trace.read_text().splitlines()):
        if begun := _BEGUN.match(line):
            thread, rest = int(begun[1]), begun[4]
            data = b"".join(map(_unhex, _STRING.findall(rest)))
            call = Call(number, number, thread, begun[2], _unhex(begun[3]).decode(), data, 0)
            if rest.endswith("<unfinished ...>"):
                under_way[thread] = call
            else:
                found.append(call._replace(result=_result(rest)))
        elif resumed := _RESUMED.match(line):
            call = under_way.pop(int(resumed[1]))
            found.append(call._replace(returned=number, result=_result(line)))
    return sorted(found)


def _unhex(text: str) -> bytes:
    return re.sub(rb"\\x(..)", lambda digits: bytes.fromhex(digits[1].decode()), text.encode())


def _result(line: str) -> int:
    result = _RESULT.search(line)
    assert result is not None, line
    return int(result[1])


class Answer(NamedTuple):
    """What was sent on one connection from one status line to the next: the line in which its first part was sent."""

    began: int
    data: bytes


def answers(found: Iterable[Call]) -> list[Answer]:
    """Return the HTTP answers that were sent."""
    sent: dict[str, list[Answer]] = {}
    for call in found:
        if call.file.startswith("TCP"):
            on_this = sent.setdefault(call.file, [])
            if call.data.startswith(b"HTTP/1.1 "):
                on_this.append(Answer(call.began, call.data))
            elif on_this:
                on_this[-1] = on_this[-1]._replace(data=on_this[-1].data + call.data)
    return sorted(answer for on_one in sent.values() for answer in on_one)


class Commit(NamedTuple):
    """A transaction in a write-ahead log: what its pages hold, and the lines of its last write and of its sync."""

    pages: bytes
    written: int
    synced: int | None


def commits(found: list[Call], wal: str) -> Iterator[Commit]:
    """Return the transactions that were written to a write-ahead log.

    SQLite writes each frame as a header of 24 bytes and a page (https://sqlite.org/fileformat2.html, 4.1): the second
    number of the header is 0 but in the last frame of a transaction. `synced` is the line in which the first sync that
    began after that frame was written returned; None where there is none.
    """
    writes = [call for call in found if call.file == wal and call.name.startswith("pwrite")]
    syncs = [call for call in found if call.file == wal and call.name in ("fdatasync", "fsync") and call.result == 0]
    pages = b""
    frames = [(head, page) for head, page in pairwise(writes) if len(head.data) == 24]
    for head, page in frames:
        pages += page.data
        if struct.unpack(">II", head.data[:8])[1]:
            synced = next((sync.returned for sync in syncs if sync.began > page.returned), None)
            yield Commit(pages, page.returned, synced)
            pages = b""
