"""The page for what no route takes, where a browser asks: everybody else gets the API's error."""

import contextlib

from starlette.types import Receive, Scope

from deedbook.web.call import JSON, Reply
from deedbook.web.console.page import Entrance, failed
from deedbook.web.console.visit import Visit
from deedbook.web.negotiation import preferred_in
from deedbook.web.problems import Problem

_HTML = b"text/html"


class Nowhere:
    """Tells a reader that there is no such page."""

    def __init__(self, entrance: Entrance) -> None:
        self._entrance = entrance

    def __call__(self, scope: Scope, receive: Receive) -> Reply | None:
        """Return the page; None where nobody asked for one, and below `/api/`, whose errors are never HTML."""
        if scope["path"].startswith("/api/") or preferred_in(scope, (JSON, _HTML)) != _HTML:
            return None
        sentence = f"There is no page {scope['path']}; the link to it may be cut short or mistyped."
        return failed(self._entrance.templates, self._visit(scope, receive), Problem(404, sentence))

    def _visit(self, scope: Scope, receive: Receive) -> Visit | None:
        session = self._entrance.sessions.find(scope)
        with contextlib.suppress(Problem):
            if session is not None:
                return Visit(scope, receive, session, self._entrance.proxies, self._entrance.namespaces)
        return None
