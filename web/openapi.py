"""The description of the API, in OpenAPI 3.1: made once, from the types that validate and `api_description.py`."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

import msgspec
from starlette.types import Receive, Scope, Send

from deedbook.domain.keys import MAY
from deedbook.web.answers import ErrorAnswer
from deedbook.web.api_description import JSON, NDJSON, OPERATIONS, Operation, Parameter
from deedbook.web.call import IDEMPOTENCY_KEY, Reply
from deedbook.web.frames import EventFrame, LogFrame
from deedbook.web.resource import send_reply

# Any: a JSON document, whose parts are of every type that JSON has.
Json = dict[str, Any]

_ABOUT = """\
Who did what to which object: actions are recorded, listed, followed, canceled and retried.

Each path also answers with a namespace in it (`/api/audit/v1/{namespace}/action/`), and with and without the trailing
slash. HEAD answers as GET, without the body; any other method is a 405, whose `Allow` names those that there are. Every
error is `{"error": "<one sentence>"}`. NDJSON holds one value a line: its schemas are those of a line; and those of
server-sent events (`text/event-stream`) are of the data of one. Dates are RFC 1123 with `+0000`; those that are sent
may also be ISO 8601.
"""

_HEADERS = {
    "Deedbook-Position": ("integer", "The position in the log that the view of this answer had read.", True),
    "Deedbook-Lag": ("integer", "Seconds that this answer is behind the log, where its view can't go on.", False),
    "X-DockerCloud-Action-URI": ("string", "The resource URI of the action in the answer.", True),
    "Retry-After": ("integer", "Seconds after which the request may be repeated.", False),
    "WWW-Authenticate": ("string", "How to send an API key.", True),
    "Link": ("string", 'The next page, with `rel="next"`, where there is one.', False),
    "Upgrade": ("string", "What the path needs: websocket.", True),
}

_ERROR_HEADERS = {
    HTTPStatus.UNAUTHORIZED: ("WWW-Authenticate",),
    HTTPStatus.UPGRADE_REQUIRED: ("Upgrade",),
    HTTPStatus.TOO_MANY_REQUESTS: ("Retry-After",),
    HTTPStatus.SERVICE_UNAVAILABLE: ("Retry-After",),
}

#: What every request with a key can be answered with.
_ALWAYS = (401, 404, 429, 500, 503)

#: Types that need no name.
_PLAIN: Mapping[type, Json] = {dict: {"type": "object"}, str: {"type": "string"}}

_SECURITY: Json = {
    "basic": {"type": "http", "scheme": "basic", "description": "The user and the API key."},
    "bearer": {"type": "http", "scheme": "bearer", "description": "The API key alone."},
    "apiKey": {"type": "apiKey", "in": "header", "name": "Authorization", "description": "`ApiKey user:key`."},
}

_IDEMPOTENCY_KEY: Json = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Makes the request safe to repeat, for ever: the same key with the same body answers what the first"
    " did, with another body 422. On a batch, each line has its own instead (`idempotency_key`).",
    "schema": {"type": "string", "minLength": 1, "maxLength": IDEMPOTENCY_KEY},
}

_AT_LEAST: Json = {
    "name": "Deedbook-Position",
    "in": "header",
    "description": "That of an answer: the view is waited for up to there, and not up to all that is recorded.",
    "schema": {"type": "integer", "minimum": 0},
}


class Description:
    """Answers `/openapi.json`, without a key, from memory."""

    def __init__(self) -> None:
        self._body = msgspec.json.encode(description())

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer GET and HEAD; every other method is told so."""
        if scope["method"] in ("GET", "HEAD"):
            reply = Reply(200, self._body)
        else:
            reply = Reply(405, b'{"error":"This path takes GET, HEAD."}', headers={b"allow": b"GET, HEAD"})
        await send_reply(send, reply)


def description() -> Json:
    """Return the OpenAPI document of all of `OPERATIONS`."""
    paths: dict[str, Json] = {}
    for one in OPERATIONS:
        paths.setdefault(one.path, _path_parameters(one.path))[one.method] = _operation(one)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Deedbook", "version": version("deedbook"), "description": _ABOUT},
        "servers": [{"url": "/"}],
        "security": [{name: []} for name in _SECURITY],
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "responses": {f"Error{status}": _error(status) for status in _error_statuses()},
            "headers": {name: _header(*about) for name, about in _HEADERS.items()},
            "parameters": {"IdempotencyKey": _IDEMPOTENCY_KEY, "AtLeast": _AT_LEAST},
            "securitySchemes": _SECURITY,
        },
    }


def _operation(one: Operation) -> Json:
    errors = (*(_ALWAYS if one.right else ()), *one.errors)
    answers = {status: _answer(one, status) for status in one.replies}
    answers |= {status: _to("responses", f"Error{status}") for status in errors}
    return {
        "operationId": one.name,
        "summary": one.says,
        "parameters": [
            *(_parameter(parameter) for parameter in one.parameters),
            *([_to("parameters", "IdempotencyKey")] if one.idempotent else []),
            *([_to("parameters", "AtLeast")] if "Deedbook-Lag" in one.headers else []),
        ],
        "responses": {str(status): answer for status, answer in sorted(answers.items())},
        **({"description": _roles(one)} if one.right else {"security": []}),
        **({"requestBody": {"required": True, "content": _content(one.body)}} if one.body else {}),
    }


def _roles(one: Operation) -> str:
    return f"For the roles {', '.join(role for role, rights in MAY.items() if one.right in rights)}."


def _answer(one: Operation, status: int) -> Json:
    told = {"description": HTTPStatus(status).phrase}
    content = one.replies[status]
    if not content:
        return told
    headers = ("Deedbook-Position", *(() if set(content) == {NDJSON} else one.headers))
    return {**told, "headers": _headers(headers), "content": _content(content)}


def _error(status: int) -> Json:
    headers = ("Deedbook-Position", *_ERROR_HEADERS.get(HTTPStatus(status), ()))
    return {
        "description": HTTPStatus(status).phrase,
        "headers": _headers(headers),
        "content": _content({JSON: ErrorAnswer}),
    }


def _error_statuses() -> list[int]:
    return sorted({*_ALWAYS, *(status for one in OPERATIONS for status in one.errors)})


def _content(kinds: Mapping[str, type]) -> Json:
    return {media: {"schema": _schema(kind)} for media, kind in kinds.items()}


def _schema(kind: type) -> Json:
    return _PLAIN[kind] if kind in _PLAIN else _to("schemas", kind.__name__)


def _schemas() -> Json:
    kinds = {kind for one in OPERATIONS for content in (one.body, *one.replies.values()) for kind in content.values()}
    _, components = msgspec.json.schema_components(
        sorted((kinds - set(_PLAIN)) | {ErrorAnswer, EventFrame, LogFrame}, key=lambda kind: kind.__name__),
        ref_template="#/components/schemas/{name}",
    )
    return dict(sorted(components.items()))


def _header(kind: str, says: str, required: bool) -> Json:  # noqa: FBT001  # a column of the table above
    return {"description": says, "required": required, "schema": {"type": kind}}


def _headers(names: Iterable[str]) -> Json:
    return {name: _to("headers", name) for name in names}


def _path_parameters(path: str) -> Json:
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    schema = {"type": "string", "format": "uuid"}
    return {"parameters": [{"name": name, "in": "path", "required": True, "schema": schema} for name in names]}


def _parameter(one: Parameter) -> Json:
    return {
        "name": one.name,
        "in": one.place,
        "description": one.says,
        "required": one.required,
        "schema": one.schema,
        **({"explode": False} if one.commas else {}),
    }


def _to(kind: str, name: str) -> Json:
    return {"$ref": f"#/components/{kind}/{name}"}
