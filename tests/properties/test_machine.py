"""The lifecycle holds, whatever is done in whatever order: through the application, and through HTTP."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from deedbook.domain.store.places import place_of
from deedbook.domain.store.sqlite import SqliteStore
from deedbook.domain.testing import AuditLogMachine, InProcess, check
from deedbook.projections.generations import Generations
from deedbook.projections.testing import projected
from deedbook.web.checking import OverHttp
from tests.support.server import serving
from tests.support.turns import by_turns


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


@pytest.fixture
def two_nodes(tmp_path: Path) -> Iterator[list[InProcess]]:
    """Two nodes on one database, each with views of its own."""
    from tests.support.postgres import shared_server  # noqa: PLC0415  # where there is none, only this is skipped

    place = place_of(shared_server().database())
    with ExitStack() as stack:
        stores = [stack.enter_context(closing(place.open())) for _ in range(2)]
        folders = [tmp_path / str(number) for number in range(2)]
        for folder in folders:
            folder.mkdir()
        views = [
            stack.enter_context(projected(store.log, Generations(folder)))
            for store, folder in zip(stores, folders, strict=True)
        ]
        yield [InProcess(store.audit_log, store.log, seen) for store, seen in zip(stores, views, strict=True)]


def test_two_nodes_do_what_the_model_does(two_nodes: list[InProcess]) -> None:
    """Whatever commands are given by turns to two nodes, each read on the next, the naive model finds the same."""
    assert check(by_turns(two_nodes), examples=40, steps=40).stories >= 40


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
