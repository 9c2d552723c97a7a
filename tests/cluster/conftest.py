"""One cluster for all tests of this folder; each test finds it whole, and leaves it as hurt as it likes."""

from collections.abc import Iterator

import pytest

from tests.cluster.cluster import Cluster, running
from tests.cluster.programs import programs


@pytest.fixture(scope="session")
def _running() -> Iterator[Cluster]:
    found = programs()
    if isinstance(found, str):
        pytest.skip(found)
    with running(found) as cluster:
        yield cluster


@pytest.fixture
def cluster(_running: Cluster) -> Cluster:
    """A cluster that is whole."""
    _running.mend()
    return _running
