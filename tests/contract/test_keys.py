"""API keys: issued, listed, revoked once and for ever, and each change told to the admins as an action."""

from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from deedbook.domain.commands import IssueKey, KeyUse, NoteUses, RevokeKey
from deedbook.domain.errors import UnknownKey
from deedbook.domain.events import ActionRecorded
from deedbook.domain.keys import ApiKey, Role
from deedbook.domain.lifecycle import State
from deedbook.domain.results import Answer, KeyChanged
from tests.contract.engines import Place, Store
from tests.contract.giving import BY, together

SECRET_HASH = sha256(b"secret").digest()


def issuing(**fields: Any) -> IssueKey:  # noqa: ANN401  # any field
    """Return the command to issue a key."""
    made: dict[str, Any] = {"id": uuid4(), "action": uuid4(), "user": "ann", "namespace": "acme", "role": "recorder"}
    return IssueKey(by=BY, **{**made, "secret_hash": uuid4().bytes, **fields})


def changed(store: Store, command: IssueKey | RevokeKey) -> ApiKey:
    """Give a command about a key, and return the key as it is then."""
    result = store.audit_log.perform(command).result
    assert isinstance(result, KeyChanged)
    return result.key


def test_an_issued_key_is_there_for_every_reader(place: Place, store: Store, other: Store) -> None:
    """A key is listed as it was issued, here, elsewhere, and after a restart; oldest first."""
    keys = [changed(store, issuing(secret_hash=SECRET_HASH)), changed(other, issuing(user="bob", role="admin"))]
    assert keys[0].secret_hash == SECRET_HASH
    assert [(key.user, key.role, key.revoked) for key in keys] == [
        ("ann", Role.RECORDER, None),
        ("bob", Role.ADMIN, None),
    ]
    assert keys[0].created == store.log.recorded(1)
    assert list(store.log.api_keys()) == list(other.log.api_keys()) == keys
    store.close()
    again = place.open()
    assert list(again.log.api_keys()) == keys
    again.close()


def test_a_key_is_revoked_once(store: Store, other: Store) -> None:
    """A revoked key stays in the list, with the date; revoking it again, or an unknown one, is refused."""
    kept, gone = changed(store, issuing()), changed(store, issuing())
    revoked = changed(other, RevokeKey(id=gone.id, action=uuid4(), by=BY))
    assert revoked.revoked == store.log.recorded(store.log.head())
    assert msgspec.structs.replace(revoked, revoked=None) == gone
    assert sorted(store.log.api_keys(), key=lambda key: key.id) == sorted([kept, revoked], key=lambda key: key.id)
    for unknown in (gone.id, uuid4()):
        with pytest.raises(UnknownKey):
            store.audit_log.perform(RevokeKey(id=unknown, action=uuid4(), by=BY))
    assert store.log.head() == 3


def test_a_key_is_revoked_once_in_one_transaction(store: Store) -> None:
    """Of two revocations that are given together, one is recorded."""
    key = changed(store, issuing())
    twice = together(store, [RevokeKey(id=key.id, action=uuid4(), by=BY) for _ in range(2)])
    assert isinstance(twice[0], Answer)
    assert isinstance(twice[1], UnknownKey)


def told(store: Store, action: UUID) -> ActionRecorded:
    """Return the action that tells of a change."""
    (happened,) = store.log.history(action)
    assert isinstance(happened.event, ActionRecorded)
    return happened.event


def test_each_change_is_told_as_an_action(store: Store) -> None:
    """Issuing and revoking are actions in the namespace `deedbook`, with who did it, and never the secret's hash."""
    issue = issuing(secret_hash=SECRET_HASH)
    revoke = RevokeKey(id=issue.id, action=uuid4(), by=BY)
    for command in (issue, revoke):
        changed(store, command)
        action = told(store, command.action)
        assert (action.namespace, action.state, action.user, action.ip) == (
            "deedbook",
            State.SUCCESS,
            BY.user,
            BY.address,
        )
        assert action.object == f"/api/audit/v1/key/{issue.id}/"
        assert msgspec.json.decode(action.body or "") == {
            "id": str(issue.id), "user": "ann", "namespace": "acme", "role": "recorder",
        }  # fmt: skip
        assert (action.can_be_canceled, action.can_be_retried) == (False, False)
    assert [told(store, one).method for one in (issue.action, revoke.action)] == ["POST", "DELETE"]
    assert not any(
        SECRET_HASH in one.state or SECRET_HASH.hex().encode() in one.state for one in store.log.stored(0, 9)
    )


def test_the_latest_use_of_a_key_is_kept(place: Place, store: Store, other: Store) -> None:
    """Whoever notes it, in whichever order; here, elsewhere and after a restart; a key that was not used has none."""
    used, unused = changed(store, issuing()), changed(store, issuing())
    for where, dates in ((store, [5, 9]), (other, [7]), (other, [3, 2])):
        where.audit_log.perform(NoteUses(uses=tuple(KeyUse(used.id, date) for date in dates)))
    assert (used.last_used, unused.last_used) == (None, None)
    for where in (store, other):
        assert {key.id: key.last_used for key in where.log.api_keys()} == {used.id: 9, unused.id: None}
    store.close()
    again = place.open()
    assert {key.id: key.last_used for key in again.log.api_keys()} == {used.id: 9, unused.id: None}
    again.close()


def test_a_use_of_a_key_is_no_event(store: Store) -> None:
    """The log does not grow by it, and an answer stands at its end; a revoked key keeps its last use."""
    key = changed(store, issuing())
    head = store.log.head()
    answer = store.audit_log.perform(NoteUses(uses=(KeyUse(key.id, 7),)))
    assert (answer.position, store.log.head()) == (head, head)
    assert changed(store, RevokeKey(id=key.id, action=uuid4(), by=BY)).last_used == 7
    assert [found.last_used for found in store.log.api_keys()] == [7]
