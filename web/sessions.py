"""Who is signed in, in a browser: a signed cookie that names an API key, and never holds its secret."""

import secrets
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.types import Scope

from deedbook.domain.keys import ApiKey
from deedbook.web.auth import Keyring
from deedbook.web.cookies import cookie_of, set_cookie
from deedbook.web.private_files import write_once

COOKIE = "deedbook"

#: A session ends after so many seconds, or with its key, whichever is first.
LASTS = 12 * 60 * 60


class Session(NamedTuple):
    """Somebody who is signed in: their key, and what each form that they send must hold (CSRF)."""

    key: ApiKey
    token: str


class Sessions:
    """Opens sessions and finds them again; any process that has the same `secret` finds them too."""

    def __init__(self, keyring: Keyring, secret: str) -> None:
        self._keyring = keyring
        self._signer = URLSafeTimedSerializer(secret, salt="deedbook session")

    def opened(self, key: ApiKey, *, is_secure: bool) -> str:
        """Return the Set-Cookie of a new session; `is_secure`: the browser came by HTTPS, and shall send it so only."""
        value = self._signer.dumps([key.id.hex, secrets.token_urlsafe(16)])
        return set_cookie(COOKIE, str(value), LASTS, is_secure=is_secure)

    @staticmethod
    def closed(*, is_secure: bool) -> str:
        """Return the Set-Cookie that ends a session."""
        return set_cookie(COOKIE, "", 0, is_secure=is_secure)

    def find(self, scope: Scope) -> Session | None:
        """Return the session that a request belongs to: None where it has none, or none that is still valid."""
        value = cookie_of(scope, COOKIE)
        return None if value is None else self._read(value)

    def _read(self, value: str) -> Session | None:
        try:
            key_id, token = self._signer.loads(value, max_age=LASTS)
        except BadSignature:
            return None
        key = self._keyring.by_id(UUID(key_id))
        return None if key is None else Session(self._keyring.note(key), token)


def secret_in(folder: Path) -> str:
    """Return the secret that cookies are signed with, made where there is none yet; every process gets the same."""
    folder.mkdir(parents=True, exist_ok=True)
    return write_once(folder / "session-secret", secrets.token_urlsafe(32))


def is_own_question(scope: Scope) -> bool:
    """Tell whether a request changes nothing and does not come from another site's page.

    A browser sends cookies with a WebSocket whoever opens it, and the answer could be read: so the browser must say
    that our own page did, or its Origin be ours.
    """
    if scope["type"] != "websocket":
        return scope["method"] in ("GET", "HEAD")
    headers = dict(scope["headers"])
    # Right also where a proxy has changed Host; browsers of before 2023 don't send it.
    if headers.get(b"sec-fetch-site") == b"same-origin":
        return True
    origin: bytes = headers.get(b"origin", b"")
    return origin.partition(b"://")[2] == headers.get(b"host")
