"""The one place that knows all the forms of a path: routes see only the canonical one.

Published clients ask with and without the trailing slash, with the namespace in the path or not, with doubled leading
slashes (the Go package, when its host ends with one), and for log streams without `/api`. None of them is redirected:
a 301 would turn their POST into a GET.
"""

from starlette.routing import BaseRoute
from starlette.types import Receive, Scope, Send

from deedbook.web.metered import Metered

ROOT = "/api/audit/v1"

#: What may follow the root. Anything else there is a namespace: that is why no key is given these names as its own.
RESOURCES = frozenset({"action", "event", "events", "relationship", "admin", "key", "user", "object", "search"})


class Canonical:
    """Rewrites the path of each request to `/api/audit/v1/{resource}…`, and the namespace to `scope["namespace"]`."""

    def __init__(self, router: Metered) -> None:
        self._router = router

    @property
    def routes(self) -> list[BaseRoute]:
        """The route table."""
        return self._router.routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, rewritten."""
        if scope["type"] != "lifespan":
            scope["path"], scope["namespace"] = canonical(scope["path"])
            scope["root_path"] = ""
        await self._router(scope, receive, send)


def canonical(path: str) -> tuple[str, str | None]:
    """Return the canonical form of a path, and the namespace that stood in it, None where there was none."""
    path = "/" + path.strip("/")
    if path.startswith("/audit/v1/"):
        path = f"/api{path}"
    if not path.startswith(f"{ROOT}/"):
        return path, None
    first, slash, rest = path[len(ROOT) + 1 :].partition("/")
    if first in RESOURCES or not slash:
        return path, None
    return f"{ROOT}/{rest}", first
