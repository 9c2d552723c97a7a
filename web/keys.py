"""API keys, for admins: the list, issuing one, revoking one."""

import contextlib
import secrets
from collections.abc import Callable
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

import msgspec

from deedbook.domain.audit_log import AuditLog
from deedbook.domain.commands import IssueKey, RevokeKey
from deedbook.domain.errors import StoreFailed
from deedbook.domain.events import Caller
from deedbook.domain.keys import RESERVED_NAMESPACES, ApiKey
from deedbook.domain.log import EventLog
from deedbook.domain.results import Answer, KeyChanged
from deedbook.projections.dates import rfc1123
from deedbook.web.auth import Keyring
from deedbook.web.call import ACTION_BODY, Call, Reply
from deedbook.web.courier import Courier
from deedbook.web.problems import bad, not_found
from deedbook.web.wire import KeyRequest, decoded


class Issued(NamedTuple):
    """A new key, its secret, and the position of its event."""

    key: ApiKey
    secret: str
    position: int


class Keys(NamedTuple):
    """Answers everything about API keys."""

    courier: Courier
    log: EventLog
    keyring: Keyring
    new_id: Callable[[], UUID]

    async def page(self, call: Call) -> Reply:
        """List every key that was ever issued (in the path's namespace, where there is one), never a secret."""
        shown = [key for key in self.log.api_keys() if call.namespace in (None, key.namespace)]
        return Reply(200, msgspec.json.encode({"objects": [told(key) for key in shown]}))

    async def issue(self, call: Call) -> Reply:
        """Issue a key; this answer is the only place where its secret ever stands."""
        if b"idempotency-key" in call.headers:
            raise bad("Issuing a key takes no Idempotency-Key: a key is shown once only. List the keys instead.")
        call.media()
        request = decoded(await call.body(ACTION_BODY), KeyRequest)
        issued = await self.issued(request, call.caller)
        return Reply(201, msgspec.json.encode(told(issued.key) | {"key": issued.secret}), issued.position)

    async def revoke(self, call: Call) -> Reply:
        """Revoke a key, at once and for ever."""
        text = call.scope["path_params"]["id"]
        try:
            key = UUID(text)
        except ValueError:
            raise not_found(f"API key {text}") from None
        answer = await self.revoked(key, call.caller)
        return Reply(200, msgspec.json.encode(told(_key(answer.result))), answer.position)

    async def issued(self, request: KeyRequest, by: Caller, key: UUID | None = None) -> Issued:
        """Issue a key, with a new id or the one given; it is durable and valid when this returns. Raises the 400.

        Where the log can't be read by then, it is valid here as soon as that can be.
        """
        command, secret = issuing(request, self.new_id, by, key)
        answer = await self.courier.perform(command)
        # What is durable is told: its secret is nowhere else.
        with contextlib.suppress(StoreFailed):
            self.keyring.refresh(at_once=True)
        return Issued(_key(answer.result), secret, answer.position)

    async def revoked(self, key: UUID, by: Caller) -> Answer:
        """Revoke a key; that is durable, and known here, when this returns. Raises `UnknownKey`."""
        answer = await self.courier.perform(RevokeKey(id=key, action=self.new_id(), by=by))
        self.keyring.refresh(at_once=True)
        return answer


def issuing(
    request: KeyRequest, new_id: Callable[[], UUID], by: Caller, key: UUID | None = None
) -> tuple[IssueKey, str]:
    """Return the command to issue a key, and its secret: 256 random bits; raises the 400."""
    if request.namespace in RESERVED_NAMESPACES:
        raise bad(f"No key is given the namespace {request.namespace}: the paths of the API need that name.")
    secret = secrets.token_urlsafe(32)
    command = IssueKey(
        id=key or new_id(),
        action=new_id(),
        user=request.user,
        namespace=request.namespace,
        role=str(request.role),
        secret_hash=sha256(secret.encode()).digest(),
        by=by,
    )
    return command, secret


def issue_at_once(audit_log: AuditLog, request: KeyRequest, new_id: Callable[[], UUID], by: Caller) -> str:
    """Issue a key from the command line, and return its secret when it is durable."""
    command, secret = issuing(request, new_id, by)
    audit_log.perform(command)
    return secret


def told(key: ApiKey) -> dict[str, object]:
    """Return what may be told of a key."""
    return {
        "id": str(key.id),
        "user": key.user,
        "namespace": key.namespace,
        "role": str(key.role),
        "created": rfc1123(key.created),
        "revoked": None if key.revoked is None else rfc1123(key.revoked),
        "last_used": None if key.last_used is None else rfc1123(key.last_used),
    }


def _key(result: object) -> ApiKey:
    if not isinstance(result, KeyChanged):
        raise TypeError("the answer to a change of a key holds no key")
    return result.key
