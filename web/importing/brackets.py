"""The brackets of JSON, followed without reading what is between them, to find where a value ends."""

import re
from collections.abc import Iterator

#: The marks that structure is made of. A quote by itself begins a string that its line does not end.
_MARK = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[][{}"]')
_CLOSING = {b"{": b"}", b"[": b"]"}
_CLOSES = frozenset(_CLOSING.values())
_BETWEEN = re.compile(rb"[\s,]*")


class Cut(Exception):
    """The brackets of a value can't close any more."""


class Brackets:
    """The brackets of one object or list that are open, while its text comes in pieces."""

    def __init__(self) -> None:
        self._open: list[bytes] = []

    @property
    def in_list(self) -> bool:
        """Whether the innermost open one is a list's."""
        return self._open[-1:] == [b"]"]

    def close(self, text: bytes, at: int) -> int | None:
        """Follow `text` from `at` on: return where the value ends, None when it goes on beyond.

        Raises Cut where a string does not end, or a bracket closes another one.
        """
        if not self._open and not text.startswith((b"{", b"["), at):
            raise Cut
        for found in _MARK.finditer(text, at):
            mark = found[0]
            if mark in _CLOSING:
                self._open.append(_CLOSING[mark])
            elif mark == b'"' or (mark in _CLOSES and self._open.pop() != mark):
                raise Cut
            elif not self._open:
                return found.end()
        return None


def elements(text: bytes, at: int) -> Iterator[bytes]:
    """Yield the objects and lists in the list whose elements begin at `at`, up to one that does not end."""
    while between := _BETWEEN.match(text, at):
        at = between.end()
        try:
            end = Brackets().close(text, at)
        except Cut:
            return
        if end is None:
            return
        yield text[at:end]
        at = end
