"""HEAD answers as GET; methods that a path does not have are told which it has."""

import httpx
import pytest

from tests.support.server import Server
from tests.web.api.callers import Caller, Tenant
from tests.web.api.scene import REQUESTS, Request, Scene

GETS = [request for request in REQUESTS if request.method == "GET"]

ANY = "00000000-0000-4000-8000-000000000000"
ALLOWED = {
    "/action/": "GET, HEAD, POST",
    f"/action/{ANY}/": "GET, HEAD",
    f"/action/{ANY}/cancel/": "POST",
    f"/action/{ANY}/retry/": "POST",
    f"/action/{ANY}/finish/": "POST",
    f"/action/{ANY}/logs/": "GET, HEAD, POST",
    f"/action/{ANY}/history/": "GET, HEAD",
    "/event/": "GET, HEAD",
    "/events/": "GET, HEAD",
    "/relationship/": "DELETE, GET, HEAD, POST",
    "/key/": "GET, HEAD, POST",
    f"/key/{ANY}/": "DELETE",
    "/admin/rebuild/": "GET, HEAD, POST",
}
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"}
UNLISTED = [(method, path) for path, allow in ALLOWED.items() for method in sorted(METHODS - set(allow.split(", ")))]


@pytest.mark.parametrize("request_", GETS, ids=str)
def test_head_answers_as_get_without_the_body(tenant: Tenant, request_: Request) -> None:
    """The same status and headers, the length of the body that GET would give included, where that is known before."""
    path = Scene(tenant).path(request_)
    got, head = tenant.admin.get(path), tenant.admin.ask("HEAD", path)
    assert (head.status_code, head.content) == (got.status_code, b"")
    for name in ("content-type", "content-length"):
        assert head.headers.get(name) == got.headers.get(name)


def test_head_of_health_is_without_a_body(http: httpx.Client, server: Server) -> None:
    """Load balancers ask so."""
    answer = http.head(f"{server.address}/health")
    assert (answer.status_code, answer.content) == (200, b"")


def test_head_answers_errors_too(recorder: Caller) -> None:
    """Without their body."""
    for path in ("/action/?foo=1", f"/action/{ANY}/"):
        head, got = recorder.ask("HEAD", path), recorder.get(path)
        assert (head.status_code, head.content) == (got.status_code, b"")


@pytest.mark.parametrize(("method", "path"), UNLISTED)
def test_a_method_that_a_path_has_not_is_a_405(recorder: Caller, method: str, path: str) -> None:
    """With `Allow`, which names every method of that path, in whatever order."""
    answer = recorder.ask(method, path)
    assert answer.status_code == 405
    assert sorted(answer.headers["allow"].split(", ")) == ALLOWED[path].split(", ")


def test_a_method_that_health_has_not_is_a_405(http: httpx.Client, server: Server) -> None:
    """There too."""
    answer = http.post(f"{server.address}/health")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
