"""What `verify` finds: nothing in any store that was only recorded in, and whatever is done to one behind its back."""

import tempfile
from contextlib import closing
from pathlib import Path

from hypothesis import given, settings

from deedbook.domain.results import Command
from deedbook.domain.store.sqlite import SqliteStore
from deedbook.domain.testing.sequences import command_sequences, live
from deedbook.projections.generations import Generations
from deedbook.projections.rebuild import build
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
