"""/openapi.json says what the server does: no path, method, parameter, status or key of an answer is forgotten."""

import asyncio
import re
from importlib.metadata import version

import httpx
import openapi_spec_validator
import pytest
from starlette.routing import Route, WebSocketRoute

from deedbook.web.main import running
from deedbook.web.paths import Canonical
from deedbook.web.settings import Settings
from tests.support.routes import is_page
from tests.support.server import Server
from tests.web.api.callers import CALL, Caller, Json, Tenant
from tests.web.api.scene import REQUESTS, Request, Scene


@pytest.fixture(scope="module")
def routes(tmp_path_factory: pytest.TempPathFactory) -> list[Route | WebSocketRoute]:
    """The API's part of the route table, as the composition root builds it."""

    async def built() -> list[Route | WebSocketRoute]:
        url = f"sqlite:///{tmp_path_factory.mktemp('routes')}/log.db"
        async with running(Settings(url=url)) as app:
            assert isinstance(app, Canonical)
            found = [route for route in app.routes if isinstance(route, Route | WebSocketRoute)]
            return [route for route in found if not is_page(route)]

    return asyncio.run(built())


def test_it_is_openapi_3_1(description: Json) -> None:
    """A validator of the specification finds nothing wrong with it."""
    openapi_spec_validator.validate(description)
    assert description["openapi"].startswith("3.1.")


def test_it_needs_no_key(server: Server) -> None:
    """It is answered to whoever asks, with HEAD as with GET; and to no other method."""
    asked = {method: httpx.request(method, f"{server.address}/openapi.json") for method in ("GET", "HEAD", "POST")}
    assert {method: answer.status_code for method, answer in asked.items()} == {"GET": 200, "HEAD": 200, "POST": 405}
    assert asked["POST"].headers["allow"] == "GET, HEAD"
    assert (asked["HEAD"].content, asked["HEAD"].headers["content-length"]) == (b"", str(len(asked["GET"].content)))


def test_it_names_the_version_that_runs(description: Json) -> None:
    """Its version is the package's."""
    assert description["info"]["version"] == version("deedbook")


def test_every_path_of_the_route_table_is_described_and_no_other(
    routes: list[Route | WebSocketRoute], description: Json
) -> None:
    """Paths in the table and in the description are the same; only the catch-all for WebSockets stands for none."""
    table = {route.path.rstrip("/") for route in routes} - {"/{path:path}"}
    assert table == {path.rstrip("/") for path in description["paths"]}


def test_every_method_of_every_path_is_described_and_no_other(
    routes: list[Route | WebSocketRoute], description: Json, server: Server
) -> None:
    """What a path's `Allow` names is what is described there, with HEAD wherever GET is."""
    for route in routes:
        if isinstance(route, WebSocketRoute):
            continue
        allow = httpx.patch(f"{server.address}{route.path}").headers["allow"]
        path = next(path for path in description["paths"] if path.rstrip("/") == route.path.rstrip("/"))
        described = {name.upper() for name in description["paths"][path]} - {"PARAMETERS"}
        assert set(allow.split(", ")) == described | ({"HEAD"} if "GET" in described else set()), path


def test_every_websocket_is_described_in_words(routes: list[Route | WebSocketRoute], description: Json) -> None:
    """Each WebSocket of the table stands as a GET that switches protocols, with what its messages are."""
    sockets = {route.path for route in routes if isinstance(route, WebSocketRoute)} - {"/{path:path}"}
    described = {
        path.rstrip("/"): operations["get"]["summary"]
        for path, operations in description["paths"].items()
        if "101" in operations.get("get", {"responses": {}})["responses"]
    }
    assert set(described) == sockets
    for says in described.values():
        (frame,) = re.findall(r"\w+Frame", says)
        assert frame in description["components"]["schemas"]


def test_every_filter_of_the_list_is_described_and_no_other(description: Json, recorder: Caller) -> None:
    """The parameters of the list are those that the server says it knows, each with what it does."""
    told = recorder.get("/action/?nonsense=1").json()["error"]
    known = set(told.partition("known are ")[2].rstrip(".").split(", "))
    parameters = [
        parameter
        for parameter in description["paths"]["/api/audit/v1/action/"]["get"]["parameters"]
        if parameter.get("in") == "query"
    ]
    assert known == {parameter["name"] for parameter in parameters}
    assert all(parameter["description"] and parameter["schema"] for parameter in parameters)


def test_every_operation_has_a_request_in_these_tests(description: Json) -> None:
    """No method of a path is left out of the tests that ask all of them."""
    described = {
        (method.upper(), path.removeprefix("/api/audit/v1"))
        for path, operations in description["paths"].items()
        for method in operations
        if method != "parameters"
    }
    asked = {(request.method, _picture(request.path)) for request in REQUESTS}
    assert asked | {("GET", path) for path in ("/health", "/metrics", "/openapi.json")} == described


@pytest.mark.parametrize("request_", REQUESTS, ids=str)
def test_what_is_answered_is_what_is_described(tenant: Tenant, request_: Request) -> None:
    """Each request gets the answer that is described, with every header and each key of the schema's type."""
    assert Scene(tenant).ask(tenant.admin, request_).status_code == request_.status


def test_health_is_as_described(http: httpx.Client, server: Server) -> None:
    """Also what is asked without a key is answered as it is described; and what it knows nothing of."""
    assert http.get(f"{server.address}/health").status_code == 200
    assert http.get(f"{server.address}/health?of=x").status_code == 400


def test_what_validates_is_what_is_described(description: Json, recorder: Caller) -> None:
    """A field that the schema of a request does not have, or requires, is refused when it comes or is missing."""
    schema = description["components"]["schemas"]["RecordRequest"]
    assert schema["additionalProperties"] is False
    for name in schema["required"]:
        answer = recorder.post("/action/", {key: value for key, value in CALL.items() if key != name})
        assert (answer.status_code, name in answer.text) == (400, True)


def test_every_form_of_credentials_is_described(description: Json) -> None:
    """Basic, Bearer and ApiKey are the security schemes, and any one of them is enough."""
    schemes = description["components"]["securitySchemes"]
    told = {(one["type"], one.get("scheme", one.get("name"))) for one in schemes.values()}
    assert told == {("http", "basic"), ("http", "bearer"), ("apiKey", "Authorization")}
    assert description["security"] == [{name: []} for name in schemes]


def test_batches_are_described(description: Json) -> None:
    """Where a body may be NDJSON, its media type is there, with the schema of a line."""
    lines = {
        (path.removeprefix("/api/audit/v1"), method): content["application/x-ndjson"]["schema"]["$ref"]
        for path, operations in description["paths"].items()
        for method, operation in operations.items()
        if method != "parameters"
        and "application/x-ndjson" in (content := operation.get("requestBody", {}).get("content", {}))
    }
    assert {key: ref.rpartition("/")[2] for key, ref in lines.items()} == {
        ("/action/", "post"): "BatchLine",
        ("/action/{uuid}/logs/", "post"): "OutputLineRequest",
    }


def test_repeating_safely_is_described(description: Json, tenant: Tenant) -> None:
    """Idempotency-Key is a parameter of every POST but those that issue keys and rebuild views, where it is refused."""
    takes = {
        path
        for path, operations in description["paths"].items()
        if {"$ref": "#/components/parameters/IdempotencyKey"} in operations.get("post", {}).get("parameters", [])
    }
    posts = {path for path, operations in description["paths"].items() if "post" in operations}
    assert posts - takes == {"/api/audit/v1/key/", "/api/audit/v1/admin/rebuild/"}
    key = {"user": "eve", "namespace": "elsewhere", "role": "auditor"}
    assert tenant.admin.post("/key/", key, headers={"idempotency-key": "k"}).status_code == 400


def _picture(path: str) -> str:
    path = path.partition("?")[0].replace("/action/{ended}", "/action/{uuid}").replace("{running}", "{uuid}")
    return path.replace("/key/{key}", "/key/{id}")
