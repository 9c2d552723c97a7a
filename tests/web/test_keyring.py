"""Who an Authorization header belongs to: read once, and forgotten as soon as its key is not valid any more."""

import asyncio
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest

from deedbook.domain.commands import RevokeKey
from deedbook.domain.errors import StoreFailed
from deedbook.domain.events import Caller
from deedbook.domain.keys import Role
from deedbook.domain.store.sqlite import SqliteStore
from deedbook.domain.store.sqlite.reading import SqliteLog
from deedbook.web.auth import Credentials, Keyring
from deedbook.web.courier import Courier
from deedbook.web.keys import Issued, Keys, issue_at_once
from deedbook.web.problems import Problem
from deedbook.web.wire import KeyRequest
from tests.faults.ledger import wait_for

BY = Caller(user="me")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    """Give a store without keys."""
    with closing(SqliteStore(tmp_path / "log.db")) as store:
        yield store


def issue(store: SqliteStore, user: str) -> str:
    """Issue a key, and return its secret."""
    return issue_at_once(store.audit_log, KeyRequest(user, "acme", Role.ADMIN), uuid4, BY)


def forms(user: str, secret: str) -> list[bytes]:
    """Return a key as headers that carry it."""
    pair = f"{user}:{secret}"
    return [f"Bearer {secret}".encode(), b"Basic " + b64encode(pair.encode()), f"ApiKey {pair}".encode()]


def test_what_a_header_carries_is_read_once(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often it comes, while the keys are what they were; each form by itself."""
    keyring, headers = Keyring(store.log), forms("ann", issue(store, "ann"))
    first = [keyring.carried_by(header) for header in headers]
    monkeypatch.setattr(keyring, "find", lambda _: pytest.fail("it was read again"))
    assert [keyring.carried_by(header) for header in headers] == first
    assert [key and key.user for key in first] == ["ann"] * 3


def test_a_key_that_is_revoked_is_carried_by_no_header(store: SqliteStore) -> None:
    """From the next look at the keys on, in every form in which it was known; other keys stay valid."""
    keyring = Keyring(store.log)
    ann, bob = forms("ann", issue(store, "ann")), forms("bob", issue(store, "bob"))
    carried = [keyring.carried_by(header) for header in (*ann, *bob)]
    key = carried[0]
    assert key is not None
    store.audit_log.perform(RevokeKey(id=key.id, action=uuid4(), by=BY))
    keyring.refresh(at_once=True)
    assert [keyring.carried_by(header) for header in ann] == [None] * 3
    assert [keyring.carried_by(header) for header in bob] == carried[3:]


def test_a_header_without_a_valid_key_is_not_remembered(store: SqliteStore) -> None:
    """One that was sent before its key was known works afterwards; what is no key is refused each time."""
    keyring = Keyring(store.log)
    assert keyring.carried_by(b"Bearer nonsense") is None
    secret = issue(store, "ann")
    key = keyring.carried_by(f"Bearer {secret}".encode())
    assert key is not None
    for _ in range(2):
        assert keyring.carried_by(f"ApiKey eve:{secret}".encode()) is None
        with pytest.raises(Problem, match="must be Basic, ApiKey or Bearer"):
            keyring.carried_by(b"Digest username=x")


@pytest.fixture
def way(store: SqliteStore) -> Iterator[tuple[Path, Keyring]]:
    """Give a link by which a keyring reads the store, and that keyring; it has not read yet."""
    link = store.path.with_name("way")
    link.symlink_to(store.path.parent, target_is_directory=True)
    with closing(SqliteLog(link / store.path.name)) as log:
        yield link, Keyring(log)


def test_a_key_is_told_although_the_keys_can_t_be_read(store: SqliteStore, way: tuple[Path, Keyring]) -> None:
    """It is durable, and its secret is nowhere else; it is valid as soon as the log can be read again."""
    link, keyring = way

    async def issued() -> Issued:
        keys = Keys(Courier(store.audit_log, asyncio.get_running_loop()), store.log, keyring, uuid4)
        return await keys.issued(KeyRequest("ann", "acme", Role.ADMIN), BY)

    link.unlink()
    with pytest.raises(StoreFailed):
        keyring.refresh(at_once=True)
    told = asyncio.run(issued())
    assert [key.id for key in store.log.api_keys()] == [told.key.id]
    link.symlink_to(link.parent, target_is_directory=True)
    assert keyring.find(Credentials("ann", told.secret)) == told.key


def test_what_could_not_be_read_is_read_later(store: SqliteStore, way: tuple[Path, Keyring]) -> None:
    """A change that was noticed while the keys could not be read is not forgotten, though no other follows."""
    link, keyring = way
    issue(store, "ann")
    (key,) = store.log.api_keys()
    link.unlink()
    assert keyring.by_id(key.id) is None
    link.symlink_to(link.parent, target_is_directory=True)
    wait_for(lambda: keyring.by_id(key.id) == key, "the key")
