"""Histories: what is called legal breaks no rule, and what is called illegal breaks the one that it names."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deedbook.domain.commands import Finish, RecordAction
from deedbook.domain.events import EVENTS, ActionEnded, Event
from deedbook.domain.log import Happened
from deedbook.domain.results import Command
from deedbook.domain.store.sqlite import SqliteStore
from deedbook.domain.testing import (
    Illegal,
    Violation,
    command_sequences,
    commands,
    events,
    illegal_histories,
    legal_histories,
    live,
)
from deedbook.domain.testing.memory import MemoryLog
from tests.domain.testing.judge import judge


@given(history=legal_histories())
def test_a_legal_history_breaks_no_rule(history: list[Happened]) -> None:
    """Positions, versions, dates, lives, lanes and relationships are all as they should be."""
    assert judge(history) == []


@pytest.mark.parametrize("violation", Violation)
def test_an_illegal_history_breaks_the_one_rule_that_it_names(violation: Violation) -> None:
    """A judge that knows nothing of how it was made finds that violation, there, and no other."""

    @settings(max_examples=40)
    @given(illegal=illegal_histories([violation]))
    def found(illegal: Illegal) -> None:
        assert illegal.violation is violation
        assert judge(illegal.history) == [(violation, illegal.position)]

    found()


def test_every_kind_of_event_is_in_some_legal_history() -> None:
    """No kind is left out, so what is tested with legal histories is tested with all of them."""
    seen: set[type[Event]] = set()

    @settings(max_examples=200, derandomize=True, database=None)
    @given(history=legal_histories())
    def look(history: list[Happened]) -> None:
        seen.update(type(one.event) for one in history)

    look()
    assert seen == set(EVENTS.values())


@settings(max_examples=30)
@given(sequence=command_sequences(output=True))
def test_a_log_in_memory_holds_what_a_store_holds(sequence: list[Command]) -> None:
    """The same commands come to the same events in memory and in a store, where each has a leaf too."""
    memory = MemoryLog()
    for command in sequence:
        memory.give(command, 7)
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder) / "log.db", clock=lambda: 7)
        live(store.audit_log, sequence)
        stored = [happened._replace(leaf=b"") for happened in store.log.read(0, 10_000)]
        store.close()
    assert memory.happened == stored


@given(kinds=st.sampled_from([[Finish], [Finish, RecordAction]]), data=st.data())
def test_strategies_of_kinds_give_these_kinds(kinds: list[type[Command]], data: st.DataObject) -> None:
    """`commands` and `events` give what is asked of them, and everything where nothing is."""
    assert type(data.draw(commands(*kinds))) in kinds
    assert isinstance(data.draw(events(ActionEnded)), ActionEnded)
    assert type(data.draw(events())) in EVENTS.values()
