"""Who is asking: API keys in every form in which published clients send them."""

import base64
import binascii
import contextlib
import hmac
import time
from collections import OrderedDict, deque
from hashlib import sha256
from typing import NamedTuple
from urllib.parse import parse_qs
from uuid import UUID

from deedbook.domain.commands import KeyUse
from deedbook.domain.errors import StoreFailed
from deedbook.domain.keys import ApiKey
from deedbook.domain.log import EventLog
from deedbook.web.problems import Problem

#: How often the keys in memory are compared with those in the log, in seconds: revoked ones are out within a second.
REFRESH = 0.25

#: From one address, so many wrong keys within a minute get a 401 each; further ones a 429.
WRONG_KEYS = 30
_MINUTE = 60.0

#: At the most so many headers are remembered for the keys in them: a valid key can be told in any number of forms.
_HEADERS = 10_000

#: At the most so many addresses are remembered for their wrong keys.
_ADDRESSES = 10_000


class Credentials(NamedTuple):
    """What a request carries: the secret, and the user it names (None: it names none)."""

    user: str | None
    secret: str


class Keyring:
    """The API keys that are valid now, by the SHA-256 of their secrets."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._keys: dict[bytes, ApiKey] = {}
        self._by_id: dict[UUID, ApiKey] = {}
        #: By the SHA-256 of an Authorization header: what it was found to carry since the keys were read.
        self._carried: dict[bytes, ApiKey] = {}
        self._used: dict[UUID, int] = {}
        self._changes = -1
        self._checked = 0.0

    def refresh(self, *, at_once: bool = False) -> None:
        """Take in keys that were issued or revoked, by whichever process; at most every `REFRESH` seconds.

        While the log can't be read the keys that were known stay valid: so views go on to answer. `at_once` raises
        then.
        """
        now = time.monotonic()
        if at_once:
            # A log elsewhere is told of changes a moment later; asked where it ends, it knows.
            self._log.head()
            self._take_in()
        elif now - self._checked >= REFRESH:
            with contextlib.suppress(StoreFailed):
                self._take_in()

    def _take_in(self) -> None:
        self._checked = time.monotonic()
        changes = self._log.changes()
        if changes != self._changes:
            valid = [key for key in self._log.api_keys() if key.revoked is None]
            self._keys = {key.secret_hash: key for key in valid}
            self._by_id = {key.id: key for key in valid}
            self._carried = {}
            self._changes = changes

    def find(self, credentials: Credentials) -> ApiKey | None:
        """Return the valid key with this secret and user, None where there is none."""
        self.refresh()
        digest = sha256(credentials.secret.encode()).digest()
        key = self._keys.get(digest)
        if key is None:
            self.refresh(at_once=True)
            key = self._keys.get(digest)
        # Found by hash, which tells an attacker nothing about the secret; and compared in constant time all the same.
        if key is None or not hmac.compare_digest(key.secret_hash, digest):
            return None
        return key if credentials.user in (None, key.user) else None

    def carried_by(self, authorization: bytes) -> ApiKey | None:
        """Return the valid key that an Authorization header carries; raises the 401, None where the key is not known.

        What a header carries is remembered until the keys change: to read it anew takes ten times as long.
        """
        self.refresh()
        digest = sha256(authorization).digest()
        key = self._carried.get(digest)
        if key is None:
            key = self.find(credentials_of(authorization.decode("latin-1")))
            if key is not None and len(self._carried) < _HEADERS:
                self._carried[digest] = key
        return key

    def note(self, key: ApiKey) -> ApiKey:
        """Note that a key is used now, and return it."""
        self._used[key.id] = time.time_ns() // 1000
        return key

    def taken_uses(self) -> tuple[KeyUse, ...]:
        """Return when keys were used last, of those that were since this was asked before."""
        uses, self._used = self._used, {}
        return tuple(KeyUse(key, at) for key, at in uses.items())

    def is_valid(self, key: ApiKey) -> bool:
        """Tell whether a key is still valid, as of the last refresh."""
        return key.id in self._by_id

    def by_id(self, key: UUID) -> ApiKey | None:
        """Return the valid key with this id, None where there is none."""
        self.refresh()
        return self._by_id.get(key)


class WrongKeys:
    """Counts the wrong keys that each address sent within the last minute."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, deque[float]] = OrderedDict()

    def counted(self, address: str) -> Problem:
        """Count one more, and return the 401 or 429 that it is answered with."""
        now = time.monotonic()
        times = self._seen.setdefault(address, deque(maxlen=WRONG_KEYS))
        self._seen.move_to_end(address)
        if len(self._seen) > _ADDRESSES:
            self._seen.popitem(last=False)
        if len(times) == WRONG_KEYS and now - times[0] < _MINUTE:
            wait = str(int(_MINUTE - (now - times[0])) + 1)
            sentence = "Too many wrong API keys from this address; wait a minute."
            return Problem(429, sentence, {"Retry-After": wait}, reason="too_many_wrong_keys")
        times.append(now)
        return unauthorized("This user and API key are not known, or the key was revoked.")


def unauthorized(sentence: str) -> Problem:
    """Return the problem of missing or wrong credentials."""
    return Problem(401, sentence, {"WWW-Authenticate": 'Basic realm="deedbook", charset="UTF-8"'})


def session_ended() -> Problem:
    """Return the problem of a script of our own pages whose reader is not signed in any more.

    Another scheme than Basic, for which a browser would ask for a password in a window of its own.
    """
    return Problem(401, "The session has ended; sign in again.", {"WWW-Authenticate": 'Session realm="deedbook"'})


def credentials_of(authorization: str) -> Credentials:
    """Return what an Authorization header carries; raises the 401.

    Understood: `Basic base64(user:key)`, `ApiKey user:key` and `Bearer key`.
    """
    scheme, _, value = authorization.partition(" ")
    match scheme.lower():
        case "bearer":
            return Credentials(None, value.strip())
        case "basic":
            return _pair(_decoded(value))
        case "apikey":
            return _pair(value.strip())
    raise unauthorized("The Authorization header must be Basic, ApiKey or Bearer.")


def credentials_in(query: str) -> Credentials:
    """Return what the query string of a WebSocket carries, "" for any other request; raises the 401.

    Understood: `user=…&token=…`, since the Go package's log stream sends no header.
    """
    found = parse_qs(query)
    if "token" not in found:
        raise unauthorized("Send an API key: Authorization: Basic base64(user:key), or Bearer key.")
    return Credentials(found["user"][0] if "user" in found else None, found["token"][0])


def _decoded(value: str) -> str:
    try:
        return base64.b64decode(value.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise unauthorized("The Basic credentials are not base64 of user:key.") from None


def _pair(value: str) -> Credentials:
    user, colon, secret = value.partition(":")
    if not colon:
        raise unauthorized("The credentials must be user:key.")
    return Credentials(user, secret)
