"""The lifecycle holds, whatever is done in whatever order: through the application, and through HTTP."""

import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar
from uuid import UUID, uuid4

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from deedbook.domain.store.sqlite.reading import SqliteLog
from tests.properties.drivers import InProcess, OverHttp
from tests.properties.machine import Machine
from tests.support.server import Server, serving


class ThroughTheApplication(Machine):
    """Drives a store in this process."""

    def fresh(self) -> None:
        """Take another namespace of the same store."""
        self.driver.namespace = str(uuid4())


class ThroughHttp(Machine):
    """Drives a server."""

    server: ClassVar[Server]

    def fresh(self) -> None:
        """Take another namespace of the same server."""
        self.driver.client.base_url = f"{self.server.api}/{uuid4()}"


@pytest.fixture
def in_process() -> Iterator[InProcess]:
    """A store of its own."""
    with tempfile.TemporaryDirectory() as folder:
        driver = InProcess(Path(folder))
        yield driver
        driver.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server of its own."""
    with serving(tmp_path) as server:
        yield server


def test_the_application_does_what_the_model_does(in_process: InProcess) -> None:
    """Whatever commands are given in whatever order, the application and the naive model find the same."""
    ThroughTheApplication.driver = in_process
    run_state_machine_as_test(ThroughTheApplication, settings=settings(max_examples=100, stateful_step_count=40))


def test_http_does_what_the_model_does(server: Server, tmp_path: Path) -> None:
    """Whatever requests are made in whatever order, the server and the naive model find the same."""
    log = SqliteLog(tmp_path / "log.db", threading.Condition())
    with server.client() as client:
        ThroughHttp.server = server
        ThroughHttp.driver = OverHttp(client, lambda name: [line.text for line in log.output(UUID(name), 0, 10_000)])
        run_state_machine_as_test(ThroughHttp, settings=settings(max_examples=30, stateful_step_count=30))
    log.close()
