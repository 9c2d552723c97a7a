"""What a check of a store or of its views finds, and how it tells how far it is."""

from collections.abc import Callable
from typing import NamedTuple

#: Of which kinds findings are; `domain/README.md` says what each means.
CODES = (
    "leaf", "head", "tail", "hole", "version", "date", "aggregate", "undecodable", "transition", "lane", "relationship",
    "search", "cycle", "parents", "retry", "output", "idempotency", "key", "trigger", "schema", "file", "view",
    "stopped",
)  # fmt: skip


class Finding(NamedTuple):
    """Something that is not as it must be: at which position (None: at no one event), of which kind, and what.

    `code` is one of `CODES`, and stays what it is in later versions.
    """

    position: int | None
    code: str
    what: str


#: Takes findings as they are made.
Found = Callable[[Finding], None]


class Progress(NamedTuple):
    """How far a check is: what it looks at, how many of these it has seen, and how many there are."""

    what: str
    done: int
    of: int
