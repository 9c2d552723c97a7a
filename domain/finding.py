"""What a check of a store or of its views finds, and how it tells how far it is."""

from collections.abc import Callable
from typing import NamedTuple


class Finding(NamedTuple):
    """Something that is not as it must be: at which position (None: at no one event), of which kind, and what."""

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
