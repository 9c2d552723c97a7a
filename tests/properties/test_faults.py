"""The machine finds what is wrong: each planted fault, and its story names it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deedbook.domain.store.sqlite import SqliteStore
from deedbook.domain.testing import Broken, InProcess, check
from deedbook.projections.generations import Generations
from deedbook.projections.testing import projected
from tests.properties.faults import FAULTS, Fault

#: The same stories each time, so that a fault that is found here is always found; of some seeds, after minutes only.
SEED = 3

#: The longest story that any of these faults needs.
LONGEST = 8


@pytest.fixture
def in_process(tmp_path: Path) -> Iterator[InProcess]:
    """A store of its own, with its views."""
    store = SqliteStore(tmp_path / "log.db")
    with projected(store.log, Generations(tmp_path)) as views:
        yield InProcess(store.audit_log, store.log, views)
    store.close()


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found_and_told(in_process: InProcess, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A log with one fault fails the check, and the smallest story, a short one, says what is wrong."""
    fault: Fault = FAULTS[name]
    fault.patch(monkeypatch)
    with pytest.raises(Broken) as caught:
        check(fault.carrier(in_process), examples=1000, steps=20, seed=SEED)
    told = str(caught.value)
    assert [part for part in fault.story if part not in told] == [], told
    assert len(caught.value.steps) <= LONGEST, told


def test_a_sound_log_passes(in_process: InProcess) -> None:
    """The same stories, told to a log that nobody broke, all hold."""
    checked = check(in_process, examples=60, seed=SEED)
    assert checked.stories >= 60
    assert checked.steps > checked.stories
