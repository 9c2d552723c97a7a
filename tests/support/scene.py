"""A store that has at least one of everything that is kept, to be changed behind its back."""

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from deedbook.domain.commands import IssueKey, RevokeKey
from deedbook.domain.lifecycle import State
from deedbook.domain.merkle import TreeHead
from deedbook.domain.results import Command
from deedbook.domain.store.sqlite import SqliteStore
from deedbook.domain.testing.sequences import live
from deedbook.projections.generations import Generations
from deedbook.projections.rebuild import build
from tests.contract.giving import BY, append, finish, once, recorded, recording
from tests.support.verifying import verified


class Scene(NamedTuple):
    """A store with some history, its views, and the head that somebody noted."""

    path: Path
    noted: TreeHead


@contextmanager
def scene(history: list[Command]) -> Iterator[Scene]:
    """Give a closed store with a history, and beside it at least one of everything that is kept."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "store" / "log.db"
        with closing(SqliteStore(path)) as store:
            live(store.audit_log, history)
            for number in range(2):
                one = recorded(store, recording(State.IN_PROGRESS, "/a/"))
                store.audit_log.perform(append(one.id, "one", "two", f"three of {number}"))
                store.audit_log.perform(recording(State.IN_PROGRESS), once(f"key {number}"))
                recorded(store, finish(one.id))
                key = IssueKey(
                    id=UUID(int=number), action=UUID(int=1000 + number), user="ann", namespace="acme", role="auditor",
                    secret_hash=bytes([number]) * 32, by=BY,
                )  # fmt: skip
                store.audit_log.perform(key)
            store.audit_log.perform(RevokeKey(id=UUID(int=0), action=UUID(int=2000), by=BY))
            build(store.log, Generations(path.parent))
        report = verified(path)
        assert report.findings == []
        yield Scene(path, report.log.head)
