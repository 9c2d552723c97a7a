"""A server with a console, and who is signed in there."""

from collections.abc import Iterator

import pytest

from tests.support.server import Server, issue_key, serving
from tests.web.console.visitors import Visitor


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that these tests share; whatever they asked, it printed no traceback."""
    with serving(tmp_path_factory.mktemp("console")) as server:
        yield server
        status, printed = server.stop()
        assert "Traceback" not in printed, printed
        assert status == 0


@pytest.fixture
def admin(server: Server) -> Visitor:
    """An admin who is signed in."""
    return Visitor(server)


@pytest.fixture
def auditor(server: Server) -> Visitor:
    """An auditor of the namespace acme who is signed in, with a key of their own."""
    return Visitor(server, "anna", issue_key(server.url, "anna", role="auditor"))
