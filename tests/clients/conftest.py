"""A server, and the published Python SDK that speaks to it."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest

from tests.clients.sdk import SDK, TOO_NEW, VERSION, NotInstalled, Sdk, credentials, install, speaking
from tests.support.server import Server, serving
from tests.web.api.callers import Tenant

Speaking = Callable[..., AbstractContextManager[Sdk]]


@pytest.fixture(scope="session")
def sdk_python(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with the SDK, kept between runs where pytest has its cache."""
    if sys.version_info >= TOO_NEW:
        pytest.skip(f"{SDK} {VERSION} needs the module imp, which Python has until 3.11: run these tests with 3.11.")
    name = f"{SDK}-{VERSION}-python-{sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro}"
    cache = getattr(request.config, "cache", None)
    try:
        return install(tmp_path_factory.mktemp(name) if cache is None else cache.mkdir(name))
    except NotInstalled as error:
        pytest.skip(f"{SDK} {VERSION} can't be installed, for want of a package index that has it: {error}")


@pytest.fixture(scope="session")
def server(sdk_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that all these tests share; none is started where there is no SDK."""
    assert sdk_python.exists()
    with serving(tmp_path_factory.mktemp("clients")) as server:
        yield server


@pytest.fixture(scope="session")
def http(server: Server) -> Iterator[httpx.Client]:
    """A plain client of it."""
    with httpx.Client(base_url=server.api, timeout=60) as http:
        yield http


@pytest.fixture(scope="module")
def tenant(server: Server, http: httpx.Client) -> Tenant:
    """A namespace of a module's own."""
    return Tenant(http, server.key)


@pytest.fixture(scope="session")
def speak(sdk_python: Path, server: Server, tmp_path_factory: pytest.TempPathFactory) -> Speaking:
    """Start the SDK with further variables, for the server that is shared or another."""
    home = tmp_path_factory.mktemp("home")
    return lambda server=server, **more: speaking(sdk_python, server, home, **more)


@pytest.fixture(scope="module")
def sdk(speak: Speaking, tenant: Tenant) -> Iterator[Sdk]:
    """The SDK of an operator."""
    with speak(**credentials(tenant.operator)) as sdk:
        yield sdk


@pytest.fixture(scope="module")
def namespaced(speak: Speaking, tenant: Tenant) -> Iterator[Sdk]:
    """The SDK of an operator who names the namespace."""
    with speak(**credentials(tenant.operator), DOCKERCLOUD_NAMESPACE=tenant.namespace) as sdk:
        yield sdk
