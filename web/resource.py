"""The ASGI side of a path: finds the caller, checks the right, calls what answers, and turns every error into JSON.

Plain ASGI below Starlette's routes: request and response objects would take half of what a durable POST costs.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol

from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from deedbook.domain.errors import DeedbookError
from deedbook.domain.keys import ApiKey, Right, rights_of
from deedbook.web.call import JSON, Call, Networks, Reply, Streamed
from deedbook.web.problems import RETRY_AFTER, Problem, Refusals, body_of, problem_of

_CUT_OFF = "The server stopped before this was done; repeat it, with an Idempotency-Key so that it is done once."

_log = logging.getLogger(__name__)


class Method(NamedTuple):
    """What answers a method, and the right that its caller needs."""

    right: Right
    answer: Callable[[Call], Awaitable[Reply | Streamed]]


class Gate(Protocol):
    """What every path needs to know of its surroundings."""

    @property
    def proxies(self) -> Networks:
        """The networks whose X-Forwarded-For counts."""

    @property
    def refusals(self) -> Refusals:
        """Where what is refused for now is counted."""

    def admit(self, scope: Scope) -> ApiKey:
        """Return the key that a request carries; raises the 401."""

    def position(self) -> int:
        """Return the position of the last answer's view."""

    def is_visible(self, call: Call) -> bool:
        """Tell whether the action in the path is there and the caller's to see."""


class Resource:
    """All methods of one path."""

    def __init__(self, gate: Gate, **methods: Method) -> None:
        self._gate = gate
        self._methods = methods
        if "GET" in methods:
            self._methods = {**methods, "HEAD": methods["GET"]}
        self._allow = ", ".join(sorted(self._methods))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        reply: Reply | Streamed
        try:
            reply = await self._answer(scope, receive)
        except Problem as problem:
            reply = _failed(problem)
        except DeedbookError as error:
            reply = _failed(problem_of(error))
        except ClientDisconnect:
            return
        except asyncio.CancelledError:
            # The server ends, and waited as long as it could. What was asked for may be recorded yet.
            reply = _failed(Problem(503, _CUT_OFF, {"Retry-After": RETRY_AFTER}, reason="cut_off"))
        except Exception:  # noqa: BLE001  # whatever it is, the client gets the API's error and the log the rest
            _log.exception("%s %s failed.", scope["method"], scope["path"])
            reply = _failed(Problem(500, "Something went wrong here; the server's log says what."))
        if isinstance(reply, Streamed):
            await _stream(scope, receive, send, reply)
            return
        for refused in reply.refused:
            self._gate.refusals.note(refused)
        if reply.position is None:
            reply.position = self._gate.position()
        await send_reply(send, reply)

    async def _answer(self, scope: Scope, receive: Receive) -> Reply | Streamed:
        method = self._methods.get(scope["method"])
        if method is None:
            raise Problem(405, f"This path takes {self._allow}.", {"Allow": self._allow})
        call = Call(scope, receive, self._gate.admit(scope), self._gate.proxies)
        _ = call.namespace  # What is in another namespace is not there, before it is anything else.
        try:
            _check(method.right, call.key)
            return await method.answer(call)
        except (Problem, DeedbookError):
            # What the caller may not see is not there, before it is anything else.
            if "uuid" in scope["path_params"] and not self._gate.is_visible(call):
                raise Problem(404, f"There is no action {scope['path_params']['uuid']}.") from None
            raise


def _check(right: Right, key: ApiKey) -> None:
    if right not in rights_of(key.role):
        raise Problem(403, f"The role {key.role} may not {right}; ask for another API key.")


async def send_reply(send: Send, reply: Reply) -> None:
    """Send an answer."""
    headers = [
        (b"content-type", reply.content_type),
        (b"content-length", b"%d" % len(reply.body)),
        (b"deedbook-position", b"%d" % (reply.position or 0)),
        *reply.headers.items(),
    ]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})


async def _stream(scope: Scope, receive: Receive, send: Send, streamed: Streamed) -> None:
    headers = [
        (b"content-type", streamed.content_type),
        (b"deedbook-position", b"%d" % streamed.position),
        *streamed.headers.items(),
    ]
    start: Message = {"type": "http.response.start", "status": 200, "headers": headers}
    if scope["method"] == "HEAD":
        await send(start)
        await send({"type": "http.response.body", "body": b""})
    else:
        await streamed.send(start, receive, send)


def _failed(problem: Problem) -> Reply:
    headers = {name.lower().encode(): value.encode() for name, value in problem.headers.items()}
    return Reply(problem.status, body_of(str(problem)), None, headers, JSON, [problem])
