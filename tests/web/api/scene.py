"""One request for each method of each path, and what it needs to be there: for rules that hold for all of them."""

from collections.abc import Callable
from typing import NamedTuple
from uuid import uuid4

import httpx

from tests.faults.ledger import wait_for
from tests.web.api.callers import CALL, Caller, Json, Tenant


class Request(NamedTuple):
    """A request that succeeds for an admin; in `path`, `{…}` stands for something that a `Scene` makes."""

    method: str
    path: str
    status: int
    body: Json | None = None

    def __str__(self) -> str:
        """Return how it is named in the output of the tests."""
        return f"{self.method} {self.path}"


LINK = {"parent": "/api/app/v1/stack/s/", "child": "/api/app/v1/service/v/"}

REQUESTS = (
    Request("GET", "/action/", 200),
    Request("POST", "/action/", 201, CALL),
    Request("GET", "/action/timeline/", 200),
    Request("GET", "/action/{ended}/", 200),
    Request("POST", "/action/{running}/cancel/", 202),
    Request("POST", "/action/{ended}/retry/", 202),
    Request("POST", "/action/{running}/finish/", 200, {"state": "Success"}),
    Request("GET", "/action/{running}/logs/", 200),
    Request("POST", "/action/{running}/logs/", 200, {"lines": ["a line"]}),
    Request("GET", "/action/{ended}/history/", 200),
    Request("GET", "/action/{ended}/retries/", 200),
    Request("GET", "/user/", 200),
    Request("GET", "/object/?object={parent}", 200),
    Request("GET", "/event/", 200),
    Request("GET", "/events/", 426),
    Request("GET", "/relationship/?object=/api/app/v1/stack/s/", 200),
    Request("POST", "/relationship/", 201, LINK),
    Request("DELETE", "/relationship/?parent={parent}&child=/c", 200),
    Request("GET", "/search/", 200),
    Request("POST", "/search/", 201, {"name": "failed", "query": "state=Failed"}),
    Request("DELETE", "/search/?name={search}", 200),
    Request("GET", "/key/", 200),
    Request("POST", "/key/", 201, {"user": "eve", "namespace": "elsewhere", "role": "auditor"}),
    Request("DELETE", "/key/{key}/", 200),
    Request("GET", "/admin/rebuild/", 200),
    Request("POST", "/admin/rebuild/", 202),
)

#: Those that are about one action.
ABOUT_ONE = tuple(request for request in REQUESTS if "/action/{" in request.path)


class Scene:
    """Makes what requests need, in a namespace."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._made: dict[str, Callable[[], str]] = {
            "{ended}": lambda: str(tenant.recorder.record()["uuid"]),
            "{running}": lambda: str(tenant.recorder.record(state="In progress")["uuid"]),
            "{parent}": self._parent,
            "{key}": self._key,
            "{search}": self._search,
        }

    def path(self, request: Request) -> str:
        """Return the path of a request, with what stands in it made."""
        path = request.path
        for name, make in self._made.items():
            if name in path:
                path = path.replace(name, make())
        return path

    def ask(self, caller: Caller, request: Request, path: str | None = None) -> httpx.Response:
        """Return the answer to a request."""
        if request.path == "/admin/rebuild/":
            self._wait_for_rebuild()
        return caller.ask(
            request.method,
            self.path(request) if path is None else path,
            **({} if request.body is None else {"json": request.body}),
        )

    def _wait_for_rebuild(self) -> None:
        """Wait until none runs: a second one would be refused."""
        wait_for(lambda: self._tenant.admin.get("/admin/rebuild/").json()["running"] is None, "the last rebuild to end")

    def _parent(self) -> str:
        parent = f"/p/{uuid4()}"
        self._tenant.recorder.relate(parent, "/c")
        return parent

    def _search(self) -> str:
        name = f"s-{uuid4()}"
        assert self._tenant.auditor.post("/search/", {"name": name, "query": ""}).status_code == 201
        return name

    def _key(self) -> str:
        return str(self._tenant.issued("somebody", "auditor")["id"])
