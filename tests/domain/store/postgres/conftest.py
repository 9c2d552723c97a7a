"""What the tests of the store in PostgreSQL share: a server, databases, and one with a little of everything in it."""

from collections.abc import Iterator
from contextlib import closing
from itertools import count
from uuid import UUID

import psycopg
import pytest

from deedbook.domain.commands import IssueKey, RevokeKey
from deedbook.domain.lifecycle import State
from deedbook.domain.store.postgres.place import postgres_place
from tests.contract.giving import BY, append, finish, once, recording
from tests.support.postgres import Server, shared_server


@pytest.fixture
def server() -> Server:
    """The server that tests share: nobody stops it."""
    return shared_server()


@pytest.fixture
def url(server: Server) -> str:
    """An empty database."""
    return server.database()


@pytest.fixture
def filled(url: str) -> str:
    """A database that holds two actions, output, an idempotency key, and two API keys."""
    ids = map(UUID, (f"{number:08}-0000-4000-8000-000000000000" for number in count(1)))
    with closing(postgres_place(url).open()) as store:
        action = recording(State.IN_PROGRESS, "/a/", id=next(ids), parents=("/above/",))
        for command in (action, append(action.id, "one", "two"), finish(action.id)):
            store.audit_log.perform(command)
        store.audit_log.perform(recording(id=next(ids)), once("key"))
        keys = [
            IssueKey(
                id=next(ids), action=next(ids), user="ann", namespace="acme", role="auditor",
                secret_hash=next(ids).bytes, by=BY,
            ) for _ in range(2)
        ]  # fmt: skip
        for key in keys:
            store.audit_log.perform(key)
        store.audit_log.perform(RevokeKey(id=keys[0].id, action=next(ids), by=BY))
    return url


@pytest.fixture
def connection(filled: str) -> Iterator[psycopg.Connection]:
    """The filled database, as anybody opens it who has its owner's rights."""
    with psycopg.connect(filled, autocommit=True) as connection:
        connection.execute("SET search_path = deedbook")
        yield connection
