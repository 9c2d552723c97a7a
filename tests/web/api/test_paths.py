"""Each path answers in every form in which clients ask for it, and none of them is redirected."""

import httpx
import pytest

from tests.support.server import Server
from tests.web.api.callers import Caller, Tenant
from tests.web.api.scene import REQUESTS, Request, Scene

ROOT = "/api/audit/v1"

FORMS = {
    "without the trailing slash": "{root}{bare}{query}",
    "with two trailing slashes": "{root}{bare}//{query}",
    "with a doubled leading slash": "/{root}{bare}/{query}",
    "with many leading slashes": "////{root}{bare}{query}",
    "with the namespace": "{root}/{namespace}{bare}/{query}",
    "with the namespace, without the trailing slash": "{root}/{namespace}{bare}{query}",
    "with the namespace and a doubled leading slash": "/{root}/{namespace}{bare}/{query}",
}


def formed(form: str, path: str, namespace: str) -> str:
    """Return a path below the root in another form, the root with it."""
    bare, mark, query = path.partition("?")
    return form.format(root=ROOT, bare=bare.rstrip("/"), namespace=namespace, query=mark + query)


@pytest.mark.parametrize("request_", REQUESTS, ids=str)
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_every_request_is_answered_in_every_form(server: Server, tenant: Tenant, form: str, request_: Request) -> None:
    """The answer is what the plain form gets, and never a redirect."""
    scene = Scene(tenant)
    path = formed(form, scene.path(request_), tenant.namespace)
    answer = scene.ask(tenant.admin, request_, f"{server.address}{path}")
    assert answer.request.url.raw_path.decode() == path
    assert (answer.status_code, answer.history) == (request_.status, [])


@pytest.mark.parametrize("path", ["/audit/v1/{namespace}/action/{uuid}/logs/", "/audit/v1/action/{uuid}/logs"])
def test_output_is_also_without_api(server: Server, tenant: Tenant, path: str) -> None:
    """The log stream's clients leave `/api` out."""
    running = tenant.recorder.record(state="In progress")
    asked = f"{server.address}{path.format(namespace=tenant.namespace, uuid=running['uuid'])}"
    tenant.recorder.act(running, "logs", {"lines": ["here"]})
    assert tenant.auditor.get(asked).text == "here\n"


@pytest.mark.parametrize(
    "path",
    [
        "/api/audit/v1/",
        "/api/audit/v2/action/",
        "/api/audit/v1/actions/",
        "/api/audit/v1/action/6246c5/nonsense/",
        "/api/audit/v1/action/6246c5/logs/1/",
        "/api/audit/v1/event/4711/",
        "/api/audit/v1/admin/",
        "/health/live",
        "/gr%C3%BC%C3%9Fe",
        "/..%2f..%2fetc/passwd",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_an_unknown_path_is_a_404_in_json(http: httpx.Client, server: Server, method: str, path: str) -> None:
    """Whatever the method, and without a key: the API's error, which says where to look."""
    answer = http.request(method, f"{server.address}{path}")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/json")
    assert "/openapi.json" in answer.json()["error"]


def test_a_short_id_is_no_action(recorder: Caller) -> None:
    """The command line's short ids are found through `uuid__startswith` only."""
    made = recorder.record()
    assert recorder.get(f"/action/{made['uuid'][:6]}/").status_code == 404
