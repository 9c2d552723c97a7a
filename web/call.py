"""One request on its way through: what it asks, who asks, and the answer."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from hashlib import sha256
from ipaddress import IPv4Network, IPv6Network, ip_address
from urllib.parse import parse_qsl
from uuid import UUID

import msgspec
from msgspec import Struct
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from deedbook.domain.commands import Once
from deedbook.domain.events import Caller
from deedbook.domain.keys import NAMESPACE_PATTERN, ApiKey, Role
from deedbook.web.problems import Problem, bad, not_found

#: The largest body of one action, and of any request, in bytes.
ACTION_BODY = 256 * 1024
REQUEST_BODY = 8 * 1024 * 1024

JSON = b"application/json"
NDJSON = b"application/x-ndjson"

#: An idempotency key of more characters is refused: it is kept for ever.
IDEMPOTENCY_KEY = 255

#: A position of more digits is in no log.
_POSITION = 18

_NAMESPACE = re.compile(NAMESPACE_PATTERN)

#: What some proxies put into X-Forwarded-For: `[2001:db8::1]:443`, the port may be left out, or `203.0.113.9:4711`.
_HOP = re.compile(r"\[([^]]+)\](?::\d+)?|([^:]+):\d+")

Networks = Sequence[IPv4Network | IPv6Network]


class Reply(Struct):
    """An answer: JSON bytes unless `content_type` says otherwise; position: what its view had read.

    refused: what is in it, or is all of it, that was only refused for now.
    """

    status: int
    body: bytes
    position: int | None = None
    headers: Mapping[bytes, bytes] = {}
    content_type: bytes = JSON
    refused: Sequence[Problem] = ()


class Streamed(Struct):
    """An answer that is sent piece by piece: `send` takes the message that begins it, and ends it in its own way."""

    send: Callable[[Message, Receive, Send], Awaitable[None]]
    content_type: bytes
    position: int
    headers: Mapping[bytes, bytes] = {}


class Call:
    """A request whose caller is known."""

    def __init__(self, scope: Scope, receive: Receive, key: ApiKey, proxies: Networks = ()) -> None:
        self.scope = scope
        self.key = key
        #: By lower-case name; of one that came twice, the last.
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        #: The query's parameters, each with its values in order.
        self.query = parameters_of(scope["query_string"])
        self._receive = receive
        self._proxies = proxies

    @property
    def namespace(self) -> str | None:
        """The namespace that may be seen: the path's, else the key's, and None (all) for an admin without one."""
        named: str | None = self.scope["namespace"]
        if self.key.role is Role.ADMIN and (named is None or _NAMESPACE.fullmatch(named)):
            return named
        if named is not None and named != self.key.namespace:
            raise not_found(f"namespace {named} for this API key")
        return self.key.namespace

    @property
    def home(self) -> str:
        """The namespace that what is recorded or related belongs to: the path's, else the key's."""
        return self.namespace or self.key.namespace

    @property
    def action(self) -> UUID:
        """The id in the path; what is no id is no action."""
        text = self.scope["path_params"]["uuid"]
        try:
            return UUID(text)
        except ValueError:
            raise not_found(f"action {text}") from None

    @property
    def address(self) -> str | None:
        """Where the request came from; see `address_of`."""
        return address_of(self.scope, self._proxies)

    @property
    def agent(self) -> str | None:
        """The User-Agent, None where there is none."""
        value = self.headers.get(b"user-agent")
        return None if value is None else _text(value)

    @property
    def at_least(self) -> int | None:
        """The position that is enough for the caller: that of an answer which they have; None is all there is."""
        value = self.headers.get(b"deedbook-position")
        if value is None:
            return None
        if not value.isdigit() or len(value) > _POSITION:
            raise bad("The header Deedbook-Position is the position of an answer, a whole number; or leave it out.")
        return int(value)

    @property
    def caller(self) -> Caller:
        """Who gives the command."""
        return Caller(self.key.user, self.address, self.agent)

    def once(self, operation: bytes, *asked: object) -> Once | None:
        """Return what the Idempotency-Key makes of a command: it is tied to the operation and what is asked."""
        value = self.headers.get(b"idempotency-key")
        if value is None:
            return None
        return once(self.home, _text(value), digest_of(operation, *asked))

    def media(self) -> bytes:
        """Return JSON or NDJSON, as the content type says; raises the 415."""
        value = self.headers.get(b"content-type")
        if value is None or value == JSON:
            return JSON
        kind = value.partition(b";")[0].strip().lower()
        if kind in (b"", JSON) or (kind.startswith(b"application/") and kind.endswith(b"+json")):
            return JSON
        if kind in (NDJSON, b"application/ndjson"):
            return NDJSON
        raise Problem(415, "The content type must be application/json or application/x-ndjson.")

    async def body(self, limit: int, what: str = "the request") -> bytes:
        """Return the whole body; raises the 413 where it has more bytes than `limit`."""
        declared = self.headers.get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > limit:
            raise too_large(limit, what)
        message = await self._receive()
        if not message.get("more_body") and message["type"] == "http.request":
            parts, size = [message.get("body", b"")], len(message.get("body", b""))
        else:
            parts, size = [], 0
            while True:
                if message["type"] == "http.disconnect":
                    raise ClientDisconnect
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                if size > limit or not message.get("more_body"):
                    break
                message = await self._receive()
        if size > limit:
            raise too_large(limit, what)
        return b"".join(parts)


def address_of(scope: Scope, proxies: Networks) -> str | None:
    """Return where a request came from: its peer, or what a trusted proxy says of it, without a port."""
    client = scope.get("client")
    peer: str | None = client[0] if client else None
    if not proxies or peer is None:
        return peer
    # A header that came in several lines is one list, in their order (RFC 9110, section 5.3).
    said = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
    for hop in reversed(said.decode("latin-1").split(",")):
        address = _without_port(hop.strip())
        if not _within(peer, proxies) or not _is_address(address):
            break
        peer = address
    return peer


def parameters_of(query: bytes) -> dict[str, list[str]]:
    """Return the parameters of a query string, each with its values in order."""
    found: dict[str, list[str]] = {}
    if query:
        for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
            found.setdefault(name, []).append(value)
    return found


def once(namespace: str, key: str, request: bytes) -> Once:
    """Return a key as `Once`: quoted, as the IETF draft has it, and bare are the same."""
    key = key.strip()
    if len(key) > 1 and key[0] == key[-1] == '"':
        key = key[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    if not key or len(key) > IDEMPOTENCY_KEY:
        raise bad(f"The Idempotency-Key must have 1 to {IDEMPOTENCY_KEY} characters.")
    return Once(namespace, key, request)


def digest_of(operation: bytes, *asked: object) -> bytes:
    """Return the digest of a request as it was understood: spaces and the order of its keys don't matter."""
    return sha256(b"\0".join([operation, *(msgspec.json.encode(part) for part in asked)])).digest()


def too_large(limit: int, what: str) -> Problem:
    """Return the problem of a body over its bound."""
    return Problem(413, f"The body of {what} may have {limit:,} bytes at the most.", {"Connection": "close"})


def _text(header: bytes) -> str:
    """Return a header's value, in UTF-8 as all JSON is; what is none is latin-1, of which all bytes are letters."""
    try:
        return header.decode()
    except UnicodeDecodeError:
        return header.decode("latin-1")


def _without_port(hop: str) -> str:
    found = _HOP.fullmatch(hop)
    return hop if found is None else found[1] or found[2]


def _within(address: str, networks: Networks) -> bool:
    return _is_address(address) and any(ip_address(address) in network for network in networks)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
