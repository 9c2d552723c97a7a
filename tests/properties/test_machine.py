"""The lifecycle holds, whatever is done in whatever order: through the application, and through HTTP."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deedbook.domain.store.sqlite import SqliteStore
from deedbook.domain.testing import AuditLogMachine, InProcess, check
from deedbook.projections.generations import Generations
from deedbook.projections.testing import projected
from deedbook.web.checking import OverHttp
from tests.support.server import serving


@pytest.fixture
def in_process(tmp_path: Path) -> Iterator[InProcess]:
    """A store of its own, with its views."""
    store = SqliteStore(tmp_path / "log.db")
    with projected(store.log, Generations(tmp_path)) as views:
        yield InProcess(store.audit_log, store.log, views)
    store.close()


def test_the_application_does_what_the_model_does(in_process: InProcess) -> None:
    """Whatever commands are given in whatever order, the application and the naive model find the same."""
    assert check(in_process, examples=100, steps=40).stories >= 100


@pytest.mark.parametrize("user", ["me", None])
def test_http_does_what_the_model_does(tmp_path: Path, user: str | None) -> None:
    """Whatever requests are made in whatever order, the server and the naive model find the same."""
    with serving(tmp_path) as server, OverHttp(server.address, server.key, user) as driver:
        driver.begin()
        assert check(driver, examples=20).stories >= 20


def test_the_machine_is_a_test_case_too(in_process: InProcess) -> None:
    """Driven by a log, the machine has a `TestCase` as Hypothesis's own have, for whoever wants its settings."""
    case = AuditLogMachine.driven_by(in_process).TestCase
    case("runTest").runTest()
