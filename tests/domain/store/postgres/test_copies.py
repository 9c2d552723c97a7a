"""From SQLite to PostgreSQL and back: the same store, byte for byte; and half of one nowhere."""

from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from deedbook.domain.errors import DeedbookError, StoreUnusable
from deedbook.domain.store.archive_export import export
from deedbook.domain.store.archive_file import written_to
from deedbook.domain.store.archive_import import CannotImport, take_in
from deedbook.domain.store.place import Place
from deedbook.domain.store.places import place_of
from deedbook.domain.store.sqlite.place import SqlitePlace
from tests.contract.giving import recorded, recording
from tests.support.lives import DEEDS, SOME, Deed, Life
from tests.support.postgres import Server
from tests.support.shared import shared


def exported(place: Place, to: Path, after: int = 0) -> bytes:
    """Export a store, and return the bytes."""
    with place.snapshot() as seen, written_to(to) as out:
        export(seen, after, "0.1.0", out, lambda _done, _of: None)
    return to.read_bytes()


def imported(place: Place, *files: Path) -> None:
    """Import files into a store, all or none."""
    with place.intake() as taking:
        for file in files:
            take_in(taking, file)


@shared(15)
@for_all(deeds=DEEDS, more=DEEDS, cut=st.integers(0, 40))
def test_a_store_is_the_same_in_either(
    server: Server, tmp_path_factory: pytest.TempPathFactory, deeds: list[Deed], more: list[Deed], cut: int
) -> None:
    """Whatever is in it: SQLite to PostgreSQL to SQLite gives three equal exports, also when it comes in two parts."""
    folder = tmp_path_factory.mktemp("copies")
    first, second, third = SqlitePlace(folder / "a.db"), place_of(server.database()), SqlitePlace(folder / "c.db")
    with closing(first.open()) as store:
        life = Life(store.audit_log)
        life.go_on([*SOME, *deeds])
        exported(first, folder / "begun")
        before = store.log.head()
        life.go_on(more)
    whole = exported(first, folder / "whole")
    exported(first, folder / "rest", min(cut, before))
    imported(second, folder / "begun")
    imported(second, folder / "rest")
    assert exported(second, folder / "again") == whole
    imported(third, folder / "again")
    assert exported(third, folder / "once more") == whole
    # What is there already is compared, and nothing is added.
    imported(second, folder / "whole", folder / "begun")
    assert exported(second, folder / "still") == whole


def test_recording_goes_on_in_what_was_imported(url: str, tmp_path: Path) -> None:
    """The next position follows, and other nodes hear of an import as of any commit."""
    source, place = SqlitePlace(tmp_path / "log.db"), place_of(url)
    with closing(source.open()) as store:
        Life(store.audit_log).go_on(SOME)
        head = store.log.head()
    exported(source, tmp_path / "export")
    with closing(place.open()) as store:
        imported(place, tmp_path / "export")
        assert store.log.wait(head - 1, 30)
        assert store.log.head() == head
        recorded(store, recording())
        assert store.log.head() == head + 1
        with pytest.raises(CannotImport, match="something else as position"):
            imported(place, longer(source, tmp_path))


def longer(source: Place, folder: Path) -> Path:
    """Record in a store, and export it."""
    with closing(source.open()) as store:
        recorded(store, recording())
    exported(source, folder / "longer")
    return folder / "longer"


def test_half_an_export_is_nowhere(url: str, tmp_path: Path) -> None:
    """An export that was cut short is refused, and nothing of it is in the database."""
    source, place = SqlitePlace(tmp_path / "log.db"), place_of(url)
    with closing(source.open()) as store:
        Life(store.audit_log).go_on(SOME)
    whole = exported(source, tmp_path / "export")
    (tmp_path / "cut").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CannotImport):
        imported(place, tmp_path / "cut")
    with closing(place.open()) as store:
        assert (store.log.head(), store.log.output_head(), list(store.log.api_keys())) == (0, 0, [])


def test_a_version_that_comes_twice_is_refused(url: str, tmp_path: Path) -> None:
    """What the database itself refuses is told, and undoes the whole import."""
    place = place_of(url)
    with closing(place.open()) as store:
        first = recording()
        recorded(store, first)
    other = SqlitePlace(tmp_path / "log.db")
    with closing(other.open()) as store:
        recorded(store, recording())
        recorded(store, first)
    exported(other, tmp_path / "export")
    with pytest.raises(DeedbookError, match="something else as position 1"):
        imported(place, tmp_path / "export")


def test_a_backup_is_postgresqls_own_work(url: str, tmp_path: Path) -> None:
    """`backup` says what to use, and writes nothing."""
    with pytest.raises(StoreUnusable, match="pg_dump"):
        place_of(url).back_up(tmp_path / "copy", lambda _done, _of: None)
    assert list(tmp_path.iterdir()) == []


def test_what_was_taken_in_is_there_on_return(url: str, tmp_path: Path) -> None:
    """Whoever adds entries, and asks nothing more, finds them in the database afterwards."""
    source = SqlitePlace(tmp_path / "log.db")
    with closing(source.open()) as store:
        recorded(store, recording())
        (event,) = store.log.stored(0, 10)
    with place_of(url).intake() as taking:
        taking.add(event)
    with closing(place_of(url).open()) as store:
        assert store.log.stored(0, 10) == [event]
