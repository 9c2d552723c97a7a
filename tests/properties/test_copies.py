"""What was exported and imported is equal to what it was made of, however it was cut; what is damaged is refused."""

import io
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random
from uuid import UUID

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from deedbook.domain.commands import AppendOutput, IssueKey, Line, Once, StateParent
from deedbook.domain.events import ActionStarted
from deedbook.domain.log import Counts
from deedbook.domain.store.archive_export import export
from deedbook.domain.store.archive_import import CannotImport, take_in
from deedbook.domain.store.leaf import leaf
from deedbook.domain.store.sqlite import SqliteStore
from deedbook.domain.store.sqlite.archive_reading import snapshot
from deedbook.domain.store.sqlite.archive_writing import SqliteIntake
from deedbook.domain.testing.sequences import BY
from tests.support.exporting import exported, held, imported, in_memory
from tests.support.lives import DEEDS, SOME, Deed, Life
from tests.support.tables import rows
from tests.support.verifying import findings

#: Some deeds, and by how many positions the export that follows them goes back behind the last one.
PHASES = st.lists(st.tuples(DEEDS, st.integers(0, 40)), min_size=1, max_size=4)


@contextmanager
def living() -> Iterator[tuple[Path, SqliteStore, Life]]:
    """Give a folder with a store in it, and a life for that."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with closing(SqliteStore(folder / "log.db")) as store:
            yield folder, store, Life(store.audit_log)


@settings(max_examples=60)
@given(phases=PHASES, packed=st.booleans())
def test_exports_make_an_equal_store(phases: list[tuple[list[Deed], int]], *, packed: bool) -> None:
    """A chain of exports, each from any position that the copy has, makes a store with the very rows of the original.

    Imported again, at once or when more has come, each adds nothing.
    """
    with living() as (folder, store, life):
        copy, exports = folder / "copy" / "log.db", []
        head = 0
        for number, (deeds, back) in enumerate(phases):
            life.go_on(deeds)
            exports.append(
                exported(store.path, folder / f"{number}.ndjson{'.gz' if packed else ''}", max(0, head - back))
            )
            imported(copy, exports[-1])
            assert held(copy) == held(store.path)
            head = store.log.head()
            assert [bool(taken) for taken in imported(copy, *exports)] == [False] * len(exports)
            assert held(copy) == held(store.path)
        at_once = folder / "at once.db"
        imported(at_once, *exports)
        assert held(at_once) == held(store.path)
        assert not findings(at_once)
        event(f"exports: {len(exports)}")


@settings(max_examples=40)
@given(first=DEEDS, after=st.integers(0, 60), then=DEEDS)
def test_an_export_begins_where_it_says(first: list[Deed], after: int, then: list[Deed]) -> None:
    """It goes into no store that has not come so far, nor into one that went another way: they stay as they are."""
    with living() as (folder, store, life):
        life.go_on([*SOME, *first])
        earlier = exported(store.path, folder / "earlier")
        head = store.log.head()
        life.go_on([*SOME, *then])
        after = min(head + 1 + after, store.log.head())
        later = exported(store.path, folder / "later", after)
        copy = folder / "copy.db"
        imported(copy, earlier)
        before = held(copy)
        with pytest.raises(CannotImport, match="import what is between first"):
            imported(copy, later)
        assert held(copy) == before
        continued = exported(store.path, folder / "continued", head)
        with closing(SqliteStore(copy)) as opened:
            Life(opened.audit_log).go_on([Deed(IssueKey)])
        before = held(copy)
        with pytest.raises(CannotImport, match="This store holds something else as position"):
            imported(copy, continued)
        assert held(copy) == before


class Busy(io.BytesIO):
    """What an export is written to while, before every line of it, somebody records, writes output and issues keys."""

    def __init__(self, store: Path) -> None:
        super().__init__()
        self._store = store
        self._lives = 0

    def write(self, text: bytes, /) -> int:  # type: ignore[override]  # what an export writes is bytes
        """Let more happen to the store, then take a line."""
        self.go_on()
        return super().write(text)

    def go_on(self) -> None:
        """Let more happen to the store."""
        with closing(SqliteStore(self._store)) as other:
            self._lives += 1
            Life(other.audit_log, self._lives * 100).go_on(SOME)


def test_an_export_is_of_one_moment_whatever_is_recorded_meanwhile(tmp_path: Path) -> None:
    """What others commit between its lines is not in it, in no table: the copy is the store as it was at the start."""
    store, copy = tmp_path / "log.db", tmp_path / "copy.db"
    with closing(SqliteStore(store)) as opened:
        Life(opened.audit_log).go_on(SOME)
    before = held(store)
    out = Busy(store)
    with snapshot(store) as seen:
        out.go_on()
        export(seen, 0, "0.1.0", out, lambda _done, _of: None)
    (tmp_path / "export").write_bytes(out.getvalue())
    imported(copy, tmp_path / "export")
    assert held(copy) == before
    after = held(store)
    for table in ("events", "output", "api_keys", "idempotency"):
        assert len(after[table]) > len(before[table])
    imported(copy, exported(store, tmp_path / "later", len(before["events"])))
    assert held(copy) == after


@pytest.mark.parametrize("more", ["output", "idempotency"])
def test_what_came_without_an_event_keeps_later_exports_out_too(more: str) -> None:
    """Output, or the record of a command that changed nothing, that the original does not have."""
    with living() as (folder, store, life):
        life.go_on(SOME)
        related = StateParent(namespace="acme", parent="/up/", child="/a/", by=BY)
        store.audit_log.perform(related)
        copy = folder / "copy.db"
        imported(copy, exported(store.path, folder / "earlier"))
        running = [one.aggregate for one in store.log.read(0, 100) if isinstance(one.event, ActionStarted)][-1]
        with closing(SqliteStore(copy)) as opened:
            if more == "output":
                opened.audit_log.perform(AppendOutput(id=running, namespace=None, lines=(Line("here"),)))
            else:
                opened.audit_log.perform(related, Once("acme", "here", b"request"))
            assert opened.log.head() == store.log.head()
        before = held(copy)
        life.go_on(SOME[:3])
        with pytest.raises(CannotImport, match="something was recorded here since"):
            imported(copy, exported(store.path, folder / "later", len(before["events"])))
        assert held(copy) == before


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store of some of everything, and its exports, plain and compressed."""
    folder = tmp_path_factory.mktemp("small")
    with closing(SqliteStore(folder / "log.db")) as store:
        Life(store.audit_log).go_on(SOME)
    counts = Counts(events=store.log.head(), output=3, keys=1, idempotency=1)
    exported(folder / "log.db", folder / "plain")
    exported(folder / "log.db", folder / "packed.gz")
    assert counts.events > 12
    return folder


def outcome(store: sqlite3.Connection, path: Path, text: bytes) -> dict[str, list[tuple[object, ...]]] | None:
    """Return what an empty store holds after it took in a damaged export, None where that was refused; then undo it."""
    path.write_bytes(text)
    store.execute("SAVEPOINT before")
    try:
        take_in(SqliteIntake(store), path)
    except CannotImport as error:
        refusal = str(error)
    else:
        return rows(store)
    finally:
        store.execute("ROLLBACK TO before")
        store.execute("RELEASE before")
    assert refusal.startswith(f"{path}:")
    assert refusal.endswith(". Nothing was imported.")
    return None


@pytest.mark.parametrize("name", ["plain", "packed.gz"])
def test_a_truncated_export_is_refused(small: Path, tmp_path: Path, name: str) -> None:
    """Cut anywhere, it is refused; without its last line feed alone it is as whole as before."""
    text, whole = (small / name).read_bytes(), held(small / "log.db")
    with in_memory() as store:
        for end in range(len(text)):
            found = outcome(store, tmp_path / "cut", text[:end])
            is_whole = name == "plain" and end == len(text) - 1
            assert found == (whole if is_whole else None), end
        assert outcome(store, tmp_path / "cut", text) == whole


@pytest.mark.parametrize("name", ["plain", "packed.gz"])
def test_an_export_with_a_changed_byte_is_refused_or_harmless(small: Path, tmp_path: Path, name: str) -> None:
    """Whatever byte is another one, either nothing is imported or the very rows that were exported."""
    text, whole, random = (small / name).read_bytes(), held(small / "log.db"), Random(name)
    accepted = 0
    with in_memory() as store:
        for place in range(len(text)):
            byte = random.choice([text[place] ^ 1 << random.randrange(8), *b'"\\{}[]:,\n 0a'])
            if byte != text[place]:
                found = outcome(store, tmp_path / "changed", text[:place] + bytes([byte]) + text[place + 1 :])
                assert found in (None, whole), (place, byte)
                accepted += found is not None
    # What is not hashed, and means nothing: a few bytes of gzip's header.
    assert accepted <= 20


@settings(max_examples=150)
@given(data=st.data())
def test_a_damaged_export_leaves_no_store_behind(small: Path, data: st.DataObject) -> None:
    """On disk: where nothing was there is nothing then, and a store that was there holds what it held."""
    text = data.draw(st.sampled_from([(small / name).read_bytes() for name in ("plain", "packed.gz")]))
    place = data.draw(st.integers(0, len(text) - 1))
    damaged = data.draw(
        st.sampled_from(
            [
                text[:place],
                text[:place] + text[place + 1 :],
                text[:place] + text[place : place + 1] + text[place:],
                text[:place] + bytes([text[place] ^ 1 << data.draw(st.integers(0, 7))]) + text[place + 1 :],
                text + text,
                text + b"\n",
                text[: len(text) // 2] + text,
            ]
        )
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "damaged").write_bytes(damaged)
        there = folder / "there.db"
        with closing(SqliteStore(there)) as store:
            before = held(there)
            for place_of in (folder / "new.db", there):
                try:
                    imported(place_of, folder / "damaged")
                except CannotImport:
                    assert place_of == there or not place_of.exists()
                    assert held(there) == before
                else:
                    assert held(place_of) == held(small / "log.db")
            assert store.log.head() in (0, len(held(small / "log.db")["events"]))
        assert not list(folder.glob(".*"))


@settings(max_examples=60)
@given(state=st.binary(max_size=60), text=st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_every_byte_survives(state: bytes, text: str) -> None:
    """Events of bytes that are no text, or text of any kind, come as they were: an export looks into none of them."""
    with living() as (folder, store, _):
        with closing(sqlite3.connect(store.path, isolation_level=None)) as connection:
            insert_raw(connection, state, text)
        copy = folder / "copy.db"
        (taken,) = imported(copy, exported(store.path, folder / "export"))
        assert (taken.added, taken.revoked, taken.head.size) == (Counts(1, 0, 0, 1), 0, 1)
        assert held(copy) == held(store.path)


def insert_raw(connection: sqlite3.Connection, state: bytes, text: str) -> None:
    """Record an event of a topic of the future, and an idempotency record, that hold any bytes."""
    aggregate = UUID(int=7)
    row = (1, aggregate.bytes, 1, text, -5, state, leaf(1, aggregate, 1, text, -5, state))
    connection.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    connection.execute("INSERT INTO idempotency VALUES (?, ?, ?, ?, ?)", (text, text, state, state, 1))
