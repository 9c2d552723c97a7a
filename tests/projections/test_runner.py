"""A runner that can't have the views that it needs does not wear out the machine."""

import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from deedbook.domain.store.sqlite import SqliteStore
from deedbook.projections import runner
from deedbook.projections.generations import Generations
from deedbook.projections.rebuild import Unsound, build
from deedbook.projections.runner import IN_VAIN, Runner
from tests.faults.ledger import wait_for


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SqliteStore:
    """A store whose views are built elsewhere, however short its log is."""
    monkeypatch.setattr(runner, "FEW", -1)
    return SqliteStore(tmp_path / "log.db")


def test_a_build_in_vain_is_repeated_in_proportion_to_what_it_took(store: SqliteStore) -> None:
    """So it takes a tenth of a core at the most; why it came to nothing is told meanwhile."""
    builds: list[tuple[float, float]] = []

    def fail(_because: str, _abandoned: Callable[[], bool]) -> None:
        began = time.monotonic()
        time.sleep(0.1)
        builds.append((began, time.monotonic()))
        raise Unsound("of a test")

    running = Runner(store.log, Generations(store.path.parent), fail)
    running.start()
    wait_for(lambda: len(builds) == 3, "three builds")
    assert "of a test" in (running.failure or "")
    running.close()
    store.close()
    for (began, ended), (again, _) in pairwise(builds):
        assert again - ended >= IN_VAIN * (ended - began)


def test_views_that_somebody_else_built_are_led_at_once(store: SqliteStore) -> None:
    """However long the runner's own build would have to wait."""
    generations = Generations(store.path.parent)

    def fail(_because: str, _abandoned: Callable[[], bool]) -> None:
        time.sleep(3)
        raise Unsound("of a test")

    running = Runner(store.log, generations, fail)
    running.start()
    wait_for(lambda: running.failure is not None, "the build in vain")
    built = build(store.log, generations)
    wait_for(lambda: running.failure is None, "the runner to lead")
    assert generations.current() == built
    running.close()
    store.close()


def test_a_failure_is_none_any_more_once_somebody_else_leads(store: SqliteStore) -> None:
    """Whoever asks this process how it stands is told of nothing that another one has got over."""
    generations = Generations(store.path.parent)

    def fail(_because: str, _abandoned: Callable[[], bool]) -> None:
        raise Unsound("of a test")

    def succeed(_because: str, _abandoned: Callable[[], bool]) -> None:
        build(store.log, generations)

    first, second = Runner(store.log, generations, fail), Runner(store.log, generations, succeed)
    first.start()
    wait_for(lambda: first.failure is not None, "the build in vain")
    second.start()
    wait_for(lambda: second.leads and generations.current() is not None, "the other to lead")
    wait_for(lambda: first.failure is None, "the first to see that")
    assert second.failure is None
    second.close()
    first.close()
    store.close()
