"""What reading a log gives: commands to carry out, and places that could not be read."""

from typing import NamedTuple

from msgspec import Struct

from deedbook.domain.commands import AppendOutput, ImportAction, Once, StateParent
from deedbook.domain.errors import DeedbookError
from deedbook.domain.events import Caller

#: The location of an action whose log names none.
UNKNOWN = "unknown"

Command = ImportAction | StateParent | AppendOutput


class Item(Struct, frozen=True):
    """One thing to do.

    `line` is the 1-based number of the line that it came from; for what came in an envelope such as
    `{"Records": [...]}`, its number among all that came in envelopes of the file, since such a document is
    often one line. `once` makes an output line safe to load again.
    """

    line: int
    command: Command
    once: Once | None = None


class Unreadable(Struct, frozen=True):
    """One place that was passed over: `line` as in `Item`, `reason` a sentence."""

    line: int
    reason: str


class NotALog(DeedbookError):
    """A file can't be read, or holds nothing that is known here."""


class Owner(NamedTuple):
    """On whose behalf a file is read: the namespace its actions go to, and the caller who loads it."""

    namespace: str
    by: Caller
