"""What the tests of the store in PostgreSQL share: a server, databases, and one with a little of everything in it."""

from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest

from deedbook.domain.store.postgres.place import postgres_place
from tests.support.filled import fill
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
    with closing(postgres_place(url).open()) as store:
        fill(store.audit_log)
    return url


@pytest.fixture
def connection(filled: str) -> Iterator[psycopg.Connection]:
    """The filled database, as anybody opens it who has its owner's rights."""
    with psycopg.connect(filled, autocommit=True) as connection:
        connection.execute("SET search_path = deedbook")
        yield connection
