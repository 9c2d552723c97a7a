"""What `verify` finds: nothing in any store that was only recorded in, and whatever is done to one behind its back."""

import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deedbook.domain.log import Happened
from deedbook.domain.results import Command
from deedbook.domain.store.codec import encode
from deedbook.domain.store.leaf import leaf_of_row
from deedbook.domain.store.sqlite import SqliteStore
from deedbook.domain.testing import Violation, illegal_histories, legal_histories
from deedbook.domain.testing.sequences import command_sequences, live
from deedbook.projections.generations import Generations
from deedbook.projections.rebuild import build
from tests.support.tampering import behind_its_back
from tests.support.verifying import verified


@settings(max_examples=100)
@given(history=command_sequences(output=True), more=command_sequences(output=True))
def test_nothing_is_found_in_a_store_that_was_only_recorded_in(history: list[Command], more: list[Command]) -> None:
    """Whatever happened in it, with views that are missing, up to date, or behind."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "log.db"
        with closing(SqliteStore(path)) as store:
            live(store.audit_log, history)
            assert verified(path).findings == []
            build(store.log, Generations(path.parent))
            assert verified(path).findings == []
            live(store.audit_log, more)
        assert verified(path).findings == []


#: What a table of events can't hold: its keys refuse it.
UNSTORABLE = {Violation.POSITION_TWICE, Violation.VERSION_TWICE}


def stored(history: list[Happened], path: Path) -> None:
    """Write a history into a new store, with the leaves that its events must have."""
    SqliteStore(path).close()
    with behind_its_back(path) as db:
        for one in history:
            topic, state = encode(one.event)
            row = (one.position, one.aggregate.bytes, one.version, topic, one.recorded, state)
            db.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)", (*row, leaf_of_row(*row)))


@pytest.mark.parametrize("violation", [one for one in Violation if one not in UNSTORABLE], ids=str)
@settings(max_examples=5)
@given(data=st.data())
def test_every_rule_that_a_history_breaks_is_found(violation: Violation, data: st.DataObject) -> None:
    """A history that is legal but for one thing, with fitting leaves: where it shows, or where something lacks."""
    illegal = data.draw(illegal_histories([violation]))
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "log.db"
        stored(illegal.history, path)
        found = {finding.position for finding in verified(path).findings}
        assert found & {None, illegal.position - 1, illegal.position, illegal.position + 1}, illegal


@settings(max_examples=30)
@given(history=legal_histories())
def test_nothing_is_found_in_a_legal_history(history: list[Happened]) -> None:
    """The same with nothing planted: but that the lines of its output are elsewhere."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "log.db"
        stored(history, path)
        assert {finding.code for finding in verified(path).findings} <= {"output"}
