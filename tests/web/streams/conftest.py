"""One server for all tests of the streams but those that stop it, and a namespace of its own for each."""

from collections.abc import Iterator

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
