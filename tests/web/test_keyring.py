"""Who an Authorization header belongs to: read once, and forgotten as soon as its key is not valid any more."""

from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest

from deedbook.domain.commands import RevokeKey
from deedbook.domain.events import Caller
from deedbook.domain.keys import Role
from deedbook.domain.store.sqlite import SqliteStore
from deedbook.web.auth import Keyring
from deedbook.web.keys import issue_at_once
from deedbook.web.problems import Problem
from deedbook.web.wire import KeyRequest

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
