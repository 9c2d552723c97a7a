"""One server for all tests of the streams but those that stop it, and a namespace of its own for each."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.server import Server, serving
from tests.web.api.callers import Tenant


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that the tests share."""
    with serving(tmp_path_factory.mktemp("streams")) as server:
        yield server


@pytest.fixture(scope="session")
def http(server: Server) -> Iterator[httpx.Client]:
    """A client of it."""
    with httpx.Client(base_url=server.api, timeout=60) as http:
        yield http


@pytest.fixture
def tenant(server: Server, http: httpx.Client) -> Tenant:
    """A namespace that only this test uses."""
    return Tenant(http, server.key)


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """A server of the test's own, that it may stop."""
    with serving(tmp_path) as server:
        yield server


@pytest.fixture
def own_tenant(own_server: Server) -> Iterator[Tenant]:
    """A namespace of that one."""
    with httpx.Client(base_url=own_server.api, timeout=60) as http:
        yield Tenant(http, own_server.key)
