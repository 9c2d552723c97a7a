"""One server for all tests of the API, and a namespace of its own for each."""

from collections.abc import Iterator

import httpx
import pytest

from tests.support.server import Server, serving
from tests.web.api.callers import Caller, Json, Tenant
from tests.web.api.conformance import asking


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that all tests share; whatever they asked, it printed no traceback, and ends as it should."""
    with serving(tmp_path_factory.mktemp("api")) as server:
        yield server
        status, printed = server.stop()
        assert "Traceback" not in printed, printed
        assert status == 0


@pytest.fixture(scope="session")
def description(server: Server) -> Json:
    """What `/openapi.json` says."""
    found: Json = httpx.get(f"{server.address}/openapi.json", timeout=60).json()
    return found


@pytest.fixture(scope="session")
def http(server: Server) -> Iterator[httpx.Client]:
    """A client of it."""
    with asking(server) as client:
        yield client


@pytest.fixture
def tenant(server: Server, http: httpx.Client) -> Tenant:
    """A namespace that only this test uses."""
    return Tenant(http, server.key)


@pytest.fixture
def other(server: Server, http: httpx.Client) -> Tenant:
    """Another one."""
    return Tenant(http, server.key)


@pytest.fixture
def recorder(tenant: Tenant) -> Caller:
    """Who records in it."""
    return tenant.recorder


@pytest.fixture
def operator(tenant: Tenant) -> Caller:
    """Who cancels and retries in it."""
    return tenant.operator


@pytest.fixture
def admin(tenant: Tenant) -> Caller:
    """Who may everything, in every namespace."""
    return tenant.admin
