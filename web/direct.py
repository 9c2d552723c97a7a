"""The way from a path to what answers it: at once where it is known by heart, else through Starlette's router.

Starlette looks through all routes in order, which takes 8 µs for the first of them, and each further one more.
"""

from collections.abc import Awaitable, Iterator
from typing import NamedTuple

from starlette.convertors import StringConvertor
from starlette.routing import BaseRoute, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send


class _Around(NamedTuple):
    """A path with one parameter: what stands before and behind it."""

    before: str
    name: str
    behind: str


class Direct:
    """A router that knows by heart the paths with one parameter or none, of which one endpoint answers every method."""

    def __init__(self, router: Router) -> None:
        self._router = router
        self._whole: dict[str, ASGIApp] = {}
        self._around: dict[str, dict[str, tuple[str, ASGIApp]]] = {}
        for route in _of_every_method(router):
            if not route.param_convertors:
                self._whole[route.path] = route.app
            elif (around := _around(route)) is not None:
                self._around.setdefault(around.before, {})[around.behind] = (around.name, route.app)

    @property
    def routes(self) -> list[BaseRoute]:
        """The route table."""
        return self._router.routes

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Pass a request on, with its endpoint and the parameters of its path in its scope."""
        if scope["type"] != "http":
            return self._router(scope, receive, send)
        path: str = scope["path"]
        endpoint = self._whole.get(path)
        if endpoint is not None:
            scope["endpoint"], scope["path_params"] = endpoint, {}
            return endpoint(scope, receive, send)
        for before, known in self._around.items():
            if path.startswith(before):
                value, slash, rest = path[len(before) :].partition("/")
                found = known.get(slash + rest)
                if found is not None and value:
                    name, endpoint = found
                    scope["endpoint"], scope["path_params"] = endpoint, {name: value}
                    return endpoint(scope, receive, send)
        return self._router(scope, receive, send)


def _of_every_method(router: Router) -> Iterator[Route]:
    for route in router.routes:
        if isinstance(route, Route) and route.methods is None:
            yield route


def _around(route: Route) -> _Around | None:
    """Return a route as what is around its parameter; None where it has several, or one that is no whole segment."""
    (name, convertor), *more = route.param_convertors.items()
    before, _, behind = route.path.partition(f"{{{name}}}")
    is_segment = before.endswith("/") and (not behind or behind.startswith("/"))
    return _Around(before, name, behind) if is_segment and not more and type(convertor) is StringConvertor else None
