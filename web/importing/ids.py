"""Identifiers of other systems as identifiers of actions."""

from hashlib import sha256
from uuid import RFC_4122, UUID

import msgspec


def action_id(text: str) -> UUID:
    """The id of the action that another system calls `text`: itself where it is a version 4 UUID.

    The published clients treat any other version as an abbreviation, and look it up as one. So for what is not
    version 4 it is the first 128 bits of its SHA-256, with version and variant set as version 4 has them: always
    the same, and 122 bits of a digest collide as seldom as random ones.
    """
    try:
        given = _uuid(text)
    except ValueError:
        return derived_id(text.encode())
    return given if given.version == 4 and given.variant == RFC_4122 else derived_id(text.encode())  # noqa: PLR2004


def _uuid(text: str) -> UUID:
    """What the standard library makes of it; of the usual form in a third of the time."""
    try:
        return msgspec.convert(text, UUID)
    except msgspec.ValidationError:
        return UUID(text)


def derived_id(content: bytes) -> UUID:
    """A version 4 UUID made of a content's digest."""
    return UUID(bytes=sha256(content).digest()[:16], version=4)
