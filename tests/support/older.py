"""A store as an older release left it: some of its events in the version that was written then."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from uuid import UUID

import msgspec
from msgspec import Struct

from deedbook.domain.events import ActionStarted
from deedbook.domain.store.codec import decode
from deedbook.domain.store.leaf import leaf
from deedbook.domain.store.sqlite.schema import prepare

_TABLES = ("output", "idempotency", "api_keys")


class StartedOne(Struct, kw_only=True, omit_defaults=True):
    """`action.started/1` as its release declared it."""

    at: int
    after: UUID | None = None


def with_older_starts(source: Path, target: Path, older: Iterable[bool]) -> set[int]:
    """Make a store that is equal to another but for some of its `action.started`, which are of version 1.

    `older` says of each of them in turn whether it is. They have the bytes that the release of that version stored, and
    the leaf of these. Returns their positions.
    """
    prepare(target)
    positions, turns = set(), iter(older)
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target, isolation_level=None)) as new:
        new.execute("BEGIN")
        for row in old.execute("SELECT * FROM events ORDER BY position"):
            position, aggregate, version, topic, recorded, state, _ = row
            if topic == ActionStarted.TOPIC and next(turns):
                topic, state = "action.started/1", _as_version_1(topic, state)
                positions.add(position)
            proof = leaf(position, UUID(bytes=aggregate), version, topic, recorded, state)
            new.execute(
                "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)",
                (position, aggregate, version, topic, recorded, state, proof),
            )
        for table in _TABLES:
            for row in old.execute(f"SELECT * FROM {table} ORDER BY 1"):  # noqa: S608  # of the list above
                new.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)  # noqa: S608  # as above
        new.execute("COMMIT")
    return positions


def _as_version_1(topic: str, state: bytes) -> bytes:
    event = decode(topic, state)
    assert isinstance(event, ActionStarted)
    return msgspec.json.encode(StartedOne(at=event.at, after=event.after))
