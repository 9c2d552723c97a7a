"""The ASGI side of a page: finds the session, checks the right, calls what answers; every error becomes a page too."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from deedbook.domain.errors import DeedbookError
from deedbook.domain.keys import Right, rights_of
from deedbook.web.call import Networks, Reply
from deedbook.web.console.templating import Templates, see_other
from deedbook.web.console.visit import Visit
from deedbook.web.problems import Problem, Refusals, problem_of
from deedbook.web.resource import send_reply
from deedbook.web.sessions import Session, Sessions

_log = logging.getLogger(__name__)

#: What the errors that a reader may meet are called on their page.
TITLES = {
    400: "This can't be asked", 403: "Not with this key", 404: "Not found", 405: "Not here", 409: "Not possible now",
    413: "Too large", 429: "Too many tries", 503: "Not just now",
}  # fmt: skip


class Entrance(NamedTuple):
    """What every page needs to know of its surroundings."""

    sessions: Sessions
    templates: Templates
    proxies: Networks
    position: Callable[[], int]
    namespaces: Callable[[], Sequence[str]]
    refusals: Refusals

    def note(self, reply: Reply) -> None:
        """Count what an answer says is only refused for now."""
        for refused in reply.refused:
            self.refusals.note(refused)


class Act(NamedTuple):
    """What answers a method of a page, and the right that it needs."""

    right: Right
    answer: Callable[[Visit], Awaitable[Reply]]


class OpenPage:
    """A page for whoever is not signed in yet."""

    def __init__(self, entrance: Entrance, answer: Callable[[Request], Awaitable[Reply]]) -> None:
        self._entrance = entrance
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            reply = await self._answer(Request(scope, receive))
        except ClientDisconnect:
            return
        except (Problem, DeedbookError) as error:
            reply = failed(self._entrance.templates, None, as_problem(error))
        self._entrance.note(reply)
        await send_reply(send, reply)


class Page:
    """All methods of one page."""

    def __init__(self, entrance: Entrance, **acts: Act) -> None:
        self._entrance = entrance
        self._acts = {**acts, "HEAD": acts["GET"]} if "GET" in acts else acts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; who is not signed in is sent to do that, and comes back."""
        session = self._entrance.sessions.find(scope)
        try:
            reply = to_sign_in(scope) if session is None else await self._answer(scope, receive, session)
        except ClientDisconnect:
            return
        self._entrance.note(reply)
        if reply.position is None:
            reply.position = self._entrance.position()
        await send_reply(send, reply)

    async def _answer(self, scope: Scope, receive: Receive, session: Session) -> Reply:
        scope["namespace"] = None
        visit: Visit | None = None
        try:
            visit = Visit(scope, receive, session, self._entrance.proxies, self._entrance.namespaces)
            return await self._act(visit).answer(visit)
        except (Problem, DeedbookError) as error:
            return failed(self._entrance.templates, visit, as_problem(error))
        except ClientDisconnect:
            raise
        except Exception:  # noqa: BLE001  # whatever it is, the reader gets a page and the log the rest
            _log.exception("%s %s failed.", scope["method"], scope["path"])
            sentence = "Something went wrong here; the server's log says what."
            return failed(self._entrance.templates, visit, Problem(500, sentence))

    def _act(self, visit: Visit) -> Act:
        """Return what answers a visit; raises the 405, or the 403."""
        act = self._acts.get(visit.scope["method"])
        if act is None:
            raise Problem(405, "This page can't be asked so.", {"Allow": ", ".join(sorted(self._acts))})
        if act.right not in rights_of(visit.key.role):
            raise Problem(403, f"The role {visit.key.role} may not {act.right}; sign in with another API key.")
        return act


def as_problem(error: Problem | DeedbookError) -> Problem:
    """Return an error as the problem that its page tells."""
    return error if isinstance(error, Problem) else problem_of(error)


def to_sign_in(scope: Scope) -> Reply:
    """Return the way to the page where one signs in, and from there back to a page that was asked for."""
    query = scope["query_string"].decode("latin-1")
    here = f"{scope['path']}?{query}" if query else scope["path"]
    headers = dict(scope["headers"])
    if b"hx-request" in headers:
        # A part of a page, asked for by a script, can't be the form: the whole page goes there (htmx does so).
        page = _page_of(headers.get(b"hx-current-url", b"/").decode("latin-1"))
        return Reply(401, b"", headers={b"hx-redirect": f"/sign-in?next={quote(page, safe='')}".encode()})
    return see_other(f"/sign-in?next={quote(here, safe='')}" if scope["method"] == "GET" else "/sign-in")


def _page_of(url: str) -> str:
    """Return path and query of a URL, and of what is none the first page."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "/"
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def failed(templates: Templates, visit: Visit | None, problem: Problem) -> Reply:
    """Return the page, or for a script the part of one, that tells an error."""
    headers = {name.lower().encode(): value.encode() for name, value in problem.headers.items()}
    name = "error_part.html" if visit is not None and visit.is_fragment else "error.html"
    title = TITLES.get(problem.status, "Something went wrong")
    reply = templates.reply(name, problem.status, headers, visit=visit, title=title, sentence=str(problem), here=None)
    reply.refused = [problem]
    return reply
