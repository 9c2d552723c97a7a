"""The way from a path to what answers it, without a server."""

import asyncio
from typing import Any

import pytest
from starlette.routing import Route, Router
from starlette.types import Message, Receive, Scope, Send

from deedbook.web.direct import Direct

Seen = tuple[str, dict[str, Any]]


class Endpoint:
    """Notes what it was asked with; an application for every method, as `Resource` is."""

    def __init__(self, name: str, seen: list[Seen]) -> None:
        self._name = name
        self._seen = seen

    async def __call__(self, scope: Scope, _receive: Receive, _send: Send) -> None:
        """Note it."""
        self._seen.append((self._name, scope["path_params"]))
        assert scope["endpoint"] is self


TEMPLATES = (
    "/action", "/action/timeline", "/action/{uuid}", "/action/{uuid}/logs", "/key/{id}", "/key/{id}/revoke",
    "/file/{name:path}", "/number/{number:int}", "/two/{one}/{two}", "/part-{part}",
)  # fmt: skip

PATHS = (
    "/action", "/action/", "/action/timeline", "/action/x", "/action/x/", "/action/x/logs", "/action//logs",
    "/action/x/logs/more", "/action/timeline/logs", "/action/ü", "/key/1", "/key/1/revoke", "/key", "/key/",
    "/file/a/b", "/number/7", "/number/seven", "/two/a/b", "/two/a", "/part-a", "/part-a/b", "/elsewhere", "",
)  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_each_path_goes_where_the_router_sends_it(path: str) -> None:
    """With the same parameters; what no route takes goes nowhere."""
    seen: list[Seen] = []

    async def nowhere(_scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(("nowhere", {}))

    routes = [Route(template, Endpoint(template, seen)) for template in TEMPLATES]
    router = Router(routes, redirect_slashes=False, default=nowhere)
    for way in (router, Direct(router)):
        asyncio.run(_ask(way, path))
    assert len(seen) == 2
    assert seen[0] == seen[1]


def test_paths_with_one_parameter_are_known_by_heart() -> None:
    """They never come to the router, which would look through all routes."""
    seen: list[Seen] = []
    router = Router([Route(template, Endpoint(template, seen)) for template in TEMPLATES])
    direct = Direct(router)
    router.routes.clear()
    for path in ("/action", "/action/timeline", "/action/x", "/action/x/logs", "/key/1/revoke"):
        asyncio.run(_ask(direct, path))
    assert len(seen) == 5


async def _ask(way: Router | Direct, path: str) -> None:
    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(_: Message) -> None:
        return

    await way({"type": "http", "method": "GET", "path": path, "root_path": "", "headers": []}, receive, send)
