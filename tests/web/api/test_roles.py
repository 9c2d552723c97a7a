"""Who may what: each role, each request."""

import pytest

from tests.web.api.callers import Tenant
from tests.web.api.scene import REQUESTS, Request, Scene

READS = {
    "GET /action/",
    "GET /action/timeline/",
    "GET /action/{ended}/",
    "GET /action/{running}/logs/",
    "GET /action/{ended}/history/",
    "GET /action/{ended}/retries/",
    "GET /user/",
    "GET /object/?object={parent}",
    "GET /search/",
    "GET /event/",
    "GET /events/",
    "GET /relationship/?object=/api/app/v1/stack/s/",
}
SAVES = {"POST /search/", "DELETE /search/?name={search}"}
FINISHES = "POST /action/{running}/finish/"

#: Beyond reading.
MAY = {
    "auditor": SAVES,
    "operator": SAVES | {"POST /action/{running}/cancel/", "POST /action/{ended}/retry/", FINISHES},
    "recorder": SAVES
    | {
        "POST /action/",
        FINISHES,
        "POST /action/{running}/logs/",
        "POST /relationship/",
        "DELETE /relationship/?parent={parent}&child=/c",
    },
    "admin": {str(request) for request in REQUESTS} - READS,
}


@pytest.mark.parametrize("request_", REQUESTS, ids=str)
@pytest.mark.parametrize("role", MAY)
def test_a_role_may_what_the_table_says(tenant: Tenant, role: str, request_: Request) -> None:
    """Else it is a 403 that changes nothing."""
    scene = Scene(tenant)
    path = scene.path(request_)
    answer = scene.ask(tenant.caller(role), request_, path)
    if str(request_) in READS | MAY[role]:
        assert answer.status_code == request_.status
    else:
        assert (answer.status_code, role in answer.json()["error"]) == (403, True)
        assert scene.ask(tenant.admin, request_, path).status_code == request_.status


@pytest.mark.parametrize("role", ["auditor", "operator"])
def test_what_is_forbidden_is_so_whatever_is_sent(tenant: Tenant, role: str) -> None:
    """A wrong body does not come before the 403, nor does a batch."""
    caller = tenant.caller(role)
    assert caller.post("/action/", {"nonsense": 1}).status_code == 403
    assert caller.post("/action/", content="{}", headers={"content-type": "text/plain"}).status_code == 403
    assert caller.post_lines("/action/", {"nonsense": 1}).status_code == 403
