"""The head of the log as a view: the Merkle root over all leaves, however the log was folded."""

import hashlib
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deedbook.domain import merkle
from deedbook.domain.log import EventLog
from deedbook.domain.merkle import Frontier, TreeHead, grow
from deedbook.domain.results import Command
from deedbook.domain.store.sqlite import SqliteStore
from deedbook.domain.testing.sequences import command_sequences, live
from deedbook.projections.head import continued, frontier, head
from deedbook.projections.view import Views, connect
from tests.contract.giving import recorded, recording


def of_leaves(log: EventLog) -> TreeHead:
    """Return the head worked out from the leaves as they are stored."""
    return grow(Frontier(), [event.leaf for event in log.stored(0, 10**6)]).head


def folded(log: EventLog, path: Path, batches: Sequence[int]) -> None:
    """Fold the whole log into a file in batches of these sizes, over and over, opening it anew for each."""
    turn = 0
    while happened := log.read(turn and _position(path), batches[turn % len(batches)]):
        with closing(Views(path)) as views:
            views.apply(happened)
        turn += 1


def _position(path: Path) -> int:
    with closing(Views(path)) as views:
        return views.tracking.position


@settings(max_examples=40)
@given(
    history=command_sequences(output=True),
    batches=st.lists(st.integers(1, 12), min_size=1, max_size=5),
    known=st.integers(0, 60),
)
def test_the_view_has_the_head_of_the_log(history: list[Command], batches: list[int], known: int) -> None:
    """However the log is cut into transactions; and continued in memory from any earlier point it is the same."""
    with tempfile.TemporaryDirectory() as name, closing(SqliteStore(Path(name) / "log.db")) as store:
        live(store.audit_log, history)
        leaves = [event.leaf for event in store.log.stored(0, 10**6)]
        folded(store.log, Path(name) / "views", batches)
        if leaves:
            with closing(connect(Path(name) / "views")) as db:
                assert head(db) == frontier(db).head == of_leaves(store.log)
        assert continued(store.log, grow(Frontier(), leaves[:known])) == of_leaves(store.log)


@given(size=st.integers(0, 2**63 - 1), more=st.integers(0, 200))
def test_the_head_costs_the_same_however_large_the_log_is(size: int, more: int) -> None:
    """At the most a hash for each event, and two for each bit of the size: that is how it is as new as every view."""
    hashes = 0

    def counted(data: bytes = b"") -> "hashlib._Hash":
        nonlocal hashes
        hashes += 1
        return hashlib.sha256(data)

    known = Frontier(size, tuple(bytes([number]) * 32 for number in range(size.bit_count())))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merkle, "sha256", counted)
        grown = grow(known, [bytes(32)] * more)
        assert grown.head.size == size + more
    assert hashes <= more + 2 * grown.size.bit_length() + 1


def test_a_transaction_that_is_undone_leaves_the_head_as_it_was(tmp_path: Path) -> None:
    """After a fold that failed the same events are folded again, once."""
    with closing(SqliteStore(tmp_path / "log.db")) as store, closing(Views(tmp_path / "views")) as views:
        for _ in range(5):
            recorded(store, recording())
        happened = store.log.read(0, 10)
        views.apply(happened[:2])
        # No 64-bit integer: it is refused last of all, when the tracking is written.
        with pytest.raises(OverflowError):
            views.apply([happened[2], happened[3]._replace(recorded=2**70)])
        views.apply(happened[2:])
        with closing(connect(tmp_path / "views")) as db:
            assert head(db) == of_leaves(store.log)


def test_a_file_of_a_version_that_kept_none_has_none(tmp_path: Path) -> None:
    """An older generation that still answers has no head, and is no error."""
    Views(tmp_path / "views").close()
    with closing(connect(tmp_path / "views")) as db:
        assert head(db) == Frontier().head
        db.execute("DROP TABLE head")
    with closing(connect(tmp_path / "views")) as db:
        assert head(db) is None
        assert frontier(db) == Frontier()
