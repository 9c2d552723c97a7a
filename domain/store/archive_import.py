"""Reads an export into a store: everything is compared or added, and the last line decides whether any of it stays."""

import gzip
import zlib
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import msgspec

from deedbook.domain.errors import DeedbookError
from deedbook.domain.keys import ApiKey
from deedbook.domain.log import Counts, NumberedLine, Stored
from deedbook.domain.merkle import TreeHead
from deedbook.domain.output import digest_of
from deedbook.domain.store.archive import (
    FORMAT,
    End,
    Entry,
    Growing,
    Header,
    Intake,
    Kept,
    Line,
    NotWhole,
    decode,
    to_entry,
)
from deedbook.domain.store.archive_export import does_fit
from deedbook.domain.store.archive_file import lines_of


class Taken(NamedTuple):
    """What an import added to a store, and revocations of keys that were there; `head`: of the log that it held."""

    added: Counts
    revoked: int
    head: TreeHead

    def __bool__(self) -> bool:
        """Whether it added anything."""
        return self.added != Counts() or bool(self.revoked)


class CannotImport(DeedbookError):
    """An export was not imported, and nothing of it is in the store: where and why."""

    def __init__(self, path: Path, line: int, reason: str) -> None:
        super().__init__(f"{path}:{line}: {reason} Nothing was imported.")


def take_in(intake: Intake, path: Path, progress: Callable[[int], None] = lambda _: None) -> Taken:
    """Read an export into a store, in constant memory; `progress` is told how many bytes of the file were read.

    What is there already is compared. Raises `CannotImport`, and then nothing of what was added may stay.
    """
    taking = _Taking(intake)
    try:
        for text in lines_of(path, progress):
            taking.take(text)
        taking.end()
    except NotWhole as error:
        raise CannotImport(path, taking.line, str(error)) from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise CannotImport(path, taking.line + 1, "The compressed file is damaged here, or ends early.") from error
    except OSError as error:
        raise CannotImport(path, taking.line + 1, f"The file can't be read: {error.strerror or error}.") from error
    return taking.taken


class _Taking:
    """Takes one line after the other."""

    def __init__(self, intake: Intake) -> None:
        #: How many lines were begun: the number of the one that is taken now.
        self.line = 0
        self._intake = intake
        self._header: Header | None = None
        self._digest = sha256()
        self._growing = Growing(())
        self._is_whole = False
        #: Of each kind of entry, how many came, and how many of these were added.
        self._came: dict[type, int] = dict.fromkeys(_KINDS, 0)
        self._added: dict[type, int] = dict.fromkeys(_KINDS, 0)
        self._revoked = 0
        #: A key that is revoked here and was not when the export was made.
        self._outdated: ApiKey | None = None

    @property
    def taken(self) -> Taken:
        """What was added so far."""
        return Taken(Counts(*self._added.values()), self._revoked, self._growing.head)

    def take(self, text: bytes) -> None:
        """Compare or add what is in a line; raises `NotWhole`."""
        self.line += 1
        if self._is_whole:
            raise NotWhole("There is more behind the line that ends the export.")
        if self._header is None:
            self._begin(_header(text))
        else:
            line = _line(text)
            if isinstance(line, End):
                self._finish(line, self._header)
            else:
                self._entry(_entry(line), self._header)
        self._digest.update(text)

    def end(self) -> None:
        """Say that there are no more lines; raises `NotWhole` where the export was cut short."""
        if not self._is_whole:
            self.line += 1
            raise NotWhole("The export ends before its last line: it was cut short.")

    def _begin(self, header: Header) -> None:
        here = self._intake.counts()
        if header.after > here.events:
            raise NotWhole(
                f"The export goes on behind position {header.after}, and this store ends at {here.events}:"
                " import what is between first."
            )
        self._growing = Growing(self._intake.leaves(header.after))
        if header.head != str(self._growing.head):
            raise NotWhole(f"Up to position {header.after} the log of this store is not the one that was exported.")
        if header.output_after > here.output:
            raise NotWhole("This store holds less output than the export goes on from: it is not the one it continues.")
        self._header = header

    def _entry(self, entry: Entry, header: Header) -> None:
        kind = type(entry)
        self._came[kind] += 1
        check = _CHECKS.get(kind)
        if check is not None:
            check(entry, self._came[kind], header, self._intake)
        if isinstance(entry, Stored):
            self._growing.add(entry.leaf)
        held = self._intake.held(entry)
        if held is None:
            self._intake.add(entry)
            self._added[kind] += 1
        elif held != entry:
            self._differs(held, entry)

    def _differs(self, held: Entry, entry: Entry) -> None:
        """Let a key be revoked; whatever else differs says that this is another store."""
        if isinstance(held, ApiKey) and isinstance(entry, ApiKey):
            if held == msgspec.structs.replace(entry, revoked=None):
                self._intake.revoke(entry)
                self._revoked += 1
                return
            if entry == msgspec.structs.replace(held, revoked=None):
                self._outdated = entry
                return
        raise NotWhole(f"This store holds something else as {_named(entry)}: it is not the one that was exported.")

    def _finish(self, end: End, header: Header) -> None:
        if not Counts(*self._came.values()) == end.holds == header.holds:
            raise NotWhole("The export does not hold as many lines as it says: some are missing.")
        if end.sha256 != self._digest.digest():
            raise NotWhole("The export was changed: its SHA-256 is another than this line says.")
        if end.head != str(self._growing.head):
            raise NotWhole("The export was changed: the head of its log is another than this line says.")
        if self.taken and (self._outdated is not None or self._intake.counts() != header.store):
            raise NotWhole(
                "This store holds what was not in the one that was exported: something was recorded here since."
            )
        self._is_whole = True


#: In the order of `Counts`.
_KINDS = (Stored, NumberedLine, ApiKey, Kept)


def _check_event(event: Stored, count: int, header: Header, _intake: Intake) -> None:
    expected = header.after + count
    if event.position != expected:
        raise NotWhole(f"Position {expected} should stand here, not {event.position}.")
    if not does_fit(event):
        raise NotWhole(f"The event at position {expected} was changed: its leaf does not fit.")


def _check_output(line: NumberedLine, count: int, header: Header, intake: Intake) -> None:
    expected = header.output_after + count
    if line.sequence != expected:
        raise NotWhole(f"Line {expected} of the output should stand here, not {line.sequence}.")
    action, number, timestamp, text, digest = line.line
    if digest != digest_of(intake.digest(action, number - 1), timestamp, text):
        raise NotWhole(f"Line {expected} of the output was changed: its digest does not fit.")


# A function for each kind of entry that must fit what stands around it.
_CHECKS: dict[type, Callable[..., None]] = {Stored: _check_event, NumberedLine: _check_output}


def _named(entry: Entry) -> str:
    match entry:
        case Stored():
            return f"position {entry.position}"
        case NumberedLine():
            return f"line {entry.sequence} of the output"
        case ApiKey():
            return f"the API key {entry.id}"
    return f"the idempotency key {entry.key!r}"


class _Format(msgspec.Struct):
    """What every version of the first line has."""

    kind: str
    format: int


def _header(text: bytes) -> Header:
    """Return the first line; one of a later version says so, whatever else it holds."""
    try:
        told = msgspec.json.decode(text, type=_Format)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise NotWhole("This is no export of Deedbook.") from error
    if told.kind == "deedbook export" and told.format > FORMAT:
        raise NotWhole(
            f"The export was written by a newer Deedbook (format {told.format}, this one knows {FORMAT});"
            " upgrade Deedbook to import it."
        )
    line = _line(text)
    if not isinstance(line, Header) or line.format != FORMAT:
        raise NotWhole("This is no export of Deedbook.")
    return line


def _line(text: bytes) -> Line:
    try:
        return decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        cut = "" if text.endswith(b"\n") else ", and it was cut short"
        raise NotWhole(f"This is no line of an export ({error}){cut}.") from error


def _entry(line: Line) -> Entry:
    try:
        entry = to_entry(line)
    except ValueError as error:
        raise NotWhole(f"This is no line of an export ({error}).") from error
    if entry is None:
        raise NotWhole("A second export begins here; keep each in a file of its own.")
    return entry
