"""The output of actions: lines to append to those that run, and to take over with those that ended."""

import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Annotated, TypeGuard

import msgspec
from msgspec import Meta, Raw, Struct
from msgspec.structs import replace

from deedbook.domain.commands import AppendOutput, ImportAction, Line, Once
from deedbook.domain.lifecycle import FINAL
from deedbook.web.importing.ids import action_id
from deedbook.web.importing.items import Command, Item, Owner, Unreadable

_LINE_BREAK = re.compile(r"\r\n|\r|\n")
_LAST_SECOND = 253_402_300_799

#: The occurrences of so many different pieces of output are counted.
_COUNTED = 100_000


class _Entry(Struct, forbid_unknown_fields=True):
    """A line with its date; `type` is what the log stream sends along."""

    log: str
    timestamp: Annotated[int, Meta(ge=0, le=_LAST_SECOND)] | None = None
    type: str | None = None


class _Output(Struct, forbid_unknown_fields=True):
    uuid: str
    lines: list[str | _Entry]


_OUTPUT = msgspec.json.Decoder(_Output)


class Output:
    """Reads lines of output."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._counts: OrderedDict[bytes, int] = OrderedDict()

    def lines(self, text: bytes | Raw, line: int) -> list[Item]:
        """What to do for lines: append them, once however often the file is loaded.

        Their key is made of what they are and of how often the file had the same before, so that of two equal
        pieces in one file both are appended.
        """
        given = _OUTPUT.decode(text)
        action = action_id(given.uuid)
        digest = sha256(action.bytes + msgspec.json.encode(given.lines)).digest()
        once = Once(self._owner.namespace, f"load/{digest.hex()}/{self._occurrence(digest)}", digest)
        lines = tuple(split for entry in given.lines for split in _split(entry))
        append = AppendOutput(id=action, namespace=self._owner.namespace, lines=lines)
        return [Item(line, append, once)] if lines else []

    def _occurrence(self, digest: bytes) -> int:
        """How often this piece came by now; a piece that came long ago may have been forgotten."""
        self._counts[digest] = count = self._counts.pop(digest, 0) + 1
        if len(self._counts) > _COUNTED:
            self._counts.popitem(last=False)
        return count


def attached(found: Iterable[Item | Unreadable]) -> Iterator[Item | Unreadable]:
    """Put output that directly follows an action that ended into its import: later it would take no more."""
    held: Item | None = None
    lines: list[Line] = []
    for one in found:
        more = None if held is None else _output_of(held.command, one)
        if more is not None:
            lines += more
            continue
        if held is not None:
            yield _with(lines, held)
        held, lines = (one, []) if _has_ended(one) else (None, [])
        if held is None:
            yield one
    if held is not None:
        yield _with(lines, held)


def _has_ended(one: Item | Unreadable) -> TypeGuard[Item]:
    return isinstance(one, Item) and isinstance(one.command, ImportAction) and one.command.state in FINAL


def _output_of(action: Command, one: Item | Unreadable) -> tuple[Line, ...] | None:
    """The lines that `one` brings for `action`; None when it is something else."""
    if isinstance(one, Unreadable) or not isinstance(one.command, AppendOutput):
        return None
    return one.command.lines if isinstance(action, ImportAction) and one.command.id == action.id else None


def _with(lines: list[Line], held: Item) -> Item:
    return Item(held.line, replace(held.command, lines=tuple(lines))) if lines else held


def _split(entry: str | _Entry) -> list[Line]:
    """One line for each line in `entry`; a line break at its end begins no other."""
    text, timestamp = (entry, None) if isinstance(entry, str) else (entry.log, entry.timestamp)
    parts = _LINE_BREAK.split(text)
    if len(parts) > 1 and not parts[-1]:
        parts.pop()
    return [Line(part, timestamp) for part in parts]
