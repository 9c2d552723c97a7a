"""Lines to JSON values: one a line, or spread over many, or many in a line; and what is left of broken ones.

Line by line is the fast way: a line that is a JSON value goes through as it is. Only one that is none is looked
at closely, by `Frame`.
"""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from deedbook.web.importing.brackets import Brackets, Cut, elements
from deedbook.web.importing.items import Unreadable

#: The keys of the list in documents that are a list of records.
ENVELOPES = ("Records", "Events", "items", "objects")

#: The beginning of a list, or of an envelope, where plain members may come before the list.
_LIST = re.compile(
    rb"\s*(?:\{\s*"
    rb'(?:"\w*+"\s*:\s*(?:"[^"\\]*+"|\{[^][{}]*+\}|[\w.+-]++)\s*,\s*)*+'
    rb'"(?:%b)"\s*:\s*)?\[' % "|".join(ENVELOPES).encode()
)

#: How the flaw of what is no JSON begins.
MALFORMED = "It is not valid JSON"

#: What may stand between values: a comma and a record separator too, since some writers put them there.
_BETWEEN = re.compile(rb"(?:[\s,\x1e]|\xef\xbb\xbf)*")
_WITHIN = re.compile(rb"\s*")

#: Checks a value without building anything of it.
_WHOLE = msgspec.json.Decoder(msgspec.Raw)


class Value(NamedTuple):
    """The text of one JSON value, and the line that it begins in."""

    line: int
    text: bytes


def values(lines: Iterable[bytes]) -> Iterator[Value | Unreadable]:
    """Yield the JSON values in `lines`, in order, and for each place where there is none, why not.

    Of a broken list or envelope the elements that are whole come first, as a list.
    """
    frame = Frame()
    for number, line in enumerate(lines, 1):
        if frame.idle and flaw(line) is None:
            yield Value(number, line)
        else:
            yield from frame.take(number, line)
    yield from frame.end()


def flaw(text: bytes) -> str | None:
    """Why `text` is not one JSON value, as a sentence; None when it is."""
    try:
        _WHOLE.decode(text)
    except msgspec.DecodeError as error:
        _, malformed, detail = str(error).partition(": ")
        return f"{MALFORMED}: {detail}." if malformed else "It is cut short: its JSON does not end."
    except RecursionError:
        return "Its JSON is nested too deeply."
    return None


class Frame:
    """A value in the making: its lines so far."""

    def __init__(self) -> None:
        self._lines: list[Value] = []
        self._brackets = Brackets()

    @property
    def idle(self) -> bool:
        """Whether no value has begun."""
        return not self._lines

    def take(self, number: int, line: bytes) -> Iterator[Value | Unreadable]:
        """Go on with a line: yield the values that it ends, or shows to be broken."""
        if self._begins_anew(line):
            yield from self.end()
        at = self._skip(line, 0)
        while at < len(line):
            try:
                end = self._brackets.close(line, at)
            except Cut:
                end = len(line)
            self._lines.append(Value(number, line[at:end]))
            if end is None:
                return
            yield from self.end()
            at = self._skip(line, end)

    def end(self) -> Iterator[Value | Unreadable]:
        """Yield the value as far as it came, and be idle."""
        lines = self._lines
        self._lines, self._brackets = [], Brackets()
        if lines:
            text = b"\n".join(line.text for line in lines)
            reason = flaw(text)
            if reason is None:
                yield Value(lines[0].line, text)
            else:
                yield from _salvaged(lines, text, reason)

    def _skip(self, line: bytes, at: int) -> int:
        space = (_BETWEEN if self.idle else _WITHIN).match(line, at)
        return at if space is None else space.end()

    def _begins_anew(self, line: bytes) -> bool:
        """Whether `line` is an object by itself where the open value has no room for one: it was cut."""
        if self.idle or not line.lstrip().startswith(b"{"):
            return False
        room = self._brackets.in_list and self._lines[-1].text.rstrip().endswith((b"[", b","))
        return not room and flaw(line) is None


def _salvaged(lines: list[Value], text: bytes, reason: str) -> Iterator[Value | Unreadable]:
    """Yield what can be read of a broken value, and why the rest can't."""
    begun = _LIST.match(text)
    if begun is None:
        yield Unreadable(lines[0].line, reason)
        # Where a value was cut there may have been room for the next one in it.
        yield from (line for line in lines[1:] if line.text.startswith(b'{"') and flaw(line.text) is None)
        return
    judged = [(element, flaw(element)) for element in elements(text, begun.end())]
    whole = [element for element, why in judged if why is None]
    if whole:
        yield Value(lines[0].line, b"[" + b",".join(whole) + b"]")
    for why in [why for _, why in judged if why is not None] or [reason]:
        yield Unreadable(lines[0].line, why)
