"""Ids for what is recorded: random UUIDs, version 4, since published clients take any other for an abbreviation."""

import os
from uuid import UUID

#: Ids whose randomness is fetched at once: a system call for each would take a twentieth of a durable POST.
_AT_ONCE = 256


class RandomIds:
    """Gives a new id at each call; for one thread."""

    def __init__(self) -> None:
        self._random = b""
        self._used = 0

    def __call__(self) -> UUID:
        """Return an id that nobody had."""
        if self._used == len(self._random):
            self._random, self._used = os.urandom(16 * _AT_ONCE), 0
        self._used += 16
        return UUID(bytes=self._random[self._used - 16 : self._used], version=4)
