"""Who visits the console without a browser: a session, its forms, and what its pages hold."""

import re
from typing import Any

import httpx

from tests.support.server import Server

_TOKEN = re.compile(r'<meta name="csrf" content="([^"]+)">')


class Visitor:
    """Somebody with a session; `cookie` is what their browser keeps, and nothing is followed by itself."""

    def __init__(self, server: Server, user: str = "me", key: str | None = None) -> None:
        self._address = server.address
        self.cookie = ""
        self.signed_in = self.ask("POST", "/sign-in", data={"user": user, "key": key or server.key})
        self.cookie = self.signed_in.headers.get("set-cookie", "").partition(";")[0]

    # Any: what httpx takes.
    def ask(self, method: str, path: str, headers: dict[str, str] | None = None, **how: Any) -> httpx.Response:  # noqa: ANN401
        """Return the answer to a request of this browser."""
        cookie = {"Cookie": self.cookie} if self.cookie else {}
        return httpx.request(method, f"{self._address}{path}", headers=cookie | (headers or {}), timeout=60, **how)

    def get(self, path: str, **headers: str) -> httpx.Response:
        """GET a page."""
        return self.ask("GET", path, headers)

    def token(self) -> str:
        """Return what this session's forms hold."""
        found = _TOKEN.search(self.get("/system").text)
        assert found is not None
        return found[1]

    def send(self, path: str, **fields: str) -> httpx.Response:
        """POST a form of this session; the browser keeps the cookie that it may get."""
        answer = self.ask("POST", path, data={"csrf": self.token(), **fields})
        if answer.headers.get("set-cookie", "").startswith("deedbook="):
            self.cookie = answer.headers["set-cookie"].partition(";")[0]
        return answer
