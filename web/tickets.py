"""A link that signs in once: a file holds the digest of its ticket, and using it takes the file away."""

import secrets
import time
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import msgspec
from msgspec import Struct

from deedbook.domain.keys import ApiKey
from deedbook.web.private_files import write_private

#: A ticket is good for so many seconds.
LASTS = 60 * 60


class _Kept(Struct):
    digest: str
    key: UUID
    until: float


class Tickets:
    """The ticket of a store: issuing another one makes the one before worthless."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "sign-in-ticket"

    def issue(self, key: ApiKey) -> str:
        """Return a new ticket that signs the holder of a key in, once, within `LASTS` seconds."""
        ticket = secrets.token_urlsafe(24)
        kept = _Kept(_digest(ticket), key.id, time.time() + LASTS)
        write_private(self._path, msgspec.json.encode(kept).decode())
        return ticket

    def redeem(self, ticket: str) -> UUID | None:
        """Return the id of the key that a ticket signs in, and use it up; None where it is wrong, old or used."""
        try:
            kept = msgspec.json.decode(self._path.read_bytes(), type=_Kept)
        except (FileNotFoundError, msgspec.DecodeError):
            return None
        if not secrets.compare_digest(kept.digest, _digest(ticket)):
            return None
        try:
            self._path.unlink()  # Of two that come at once, one takes it away.
        except FileNotFoundError:
            return None
        return kept.key if time.time() < kept.until else None


def _digest(ticket: str) -> str:
    return sha256(ticket.encode()).hexdigest()
