"""The leaf of an event: what makes a change of a stored row show.

RFC 6962 section 2.1 hashes a leaf as SHA-256(0x00 ‖ data). Here data is position, aggregate, version, topic, recorded
date and stored bytes; each stands behind its length in 4 bytes, numbers in 8 bytes, all big-endian.
"""

from hashlib import sha256
from struct import Struct
from uuid import UUID

_HEAD = Struct(">BIqI16sIqI")
_TAIL = Struct(">IqI")
_ID = 16


def leaf(position: int, aggregate: UUID, version: int, topic: str, recorded: int, state: bytes) -> bytes:
    """Return the 32 bytes of an event's leaf; `recorded` in microseconds since the epoch."""
    return leaf_of_row(position, aggregate.bytes, version, topic, recorded, state)


def leaf_of_row(position: int, aggregate: bytes, version: int, topic: str, recorded: int, state: bytes) -> bytes:
    """Return the same of an event as it is stored; raises struct.error or ValueError where it can't be one."""
    if len(aggregate) != _ID:
        # Struct would cut it off, or fill it up.
        raise ValueError("an aggregate's id has 16 bytes")
    name = topic.encode()
    head = _HEAD.pack(0, 8, position, _ID, aggregate, 8, version, len(name))
    return sha256(b"".join((head, name, _TAIL.pack(8, recorded, len(state)), state))).digest()
