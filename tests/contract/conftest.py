"""Each contract test runs once for each engine, on a store of its own."""

from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from tests.contract.engines import ENGINES, Place, Store


@pytest.fixture(params=sorted(ENGINES))
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A place where no store is yet."""
    return ENGINES[request.param](tmp_path)


@pytest.fixture
def store(place: Place) -> Iterator[Store]:
    """An open store, empty."""
    store = place.open()
    yield store
    store.close()


@pytest.fixture
def other(place: Place, store: Store) -> Iterator[Store]:
    """The same store, opened a second time: nothing is shared with the first but what was committed."""
    assert store is not None
    other = place.open()
    yield other
    other.close()


@pytest.fixture(scope="session")
def processes() -> Iterator[Executor]:
    """Two other processes, which know of a store only where it is kept."""
    with ProcessPoolExecutor(2, get_context("spawn")) as processes:
        yield processes
