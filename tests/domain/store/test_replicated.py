"""A log that is read from a replica and a primary answers as the primary does, however far the replica is."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from uuid import UUID

import pytest

from deedbook.domain.errors import StoreFailed, StoreUnusable, Undecodable
from deedbook.domain.log import EventLog, Happened
from deedbook.domain.store.replicated import Replicated
from deedbook.domain.store.sqlite import SqliteStore
from tests.faults.test_unknown_event import insert_from_the_future
from tests.support.exporting import exported, imported
from tests.support.lives import SOME, Life


class Broken:
    """A replica that is out of reach."""

    def __getattr__(self, name: str) -> Callable[..., object]:
        def fail(*_: object) -> object:
            raise StoreFailed("It can't be reached.")

        return fail


def live(store: SqliteStore, number: int = 0) -> None:
    """Do some of everything."""
    Life(store.audit_log, number).go_on(SOME)


@pytest.fixture
def primary(tmp_path: Path) -> Iterator[SqliteStore]:
    """A store that has some of everything, as the replica has it, and more."""
    with closing(SqliteStore(tmp_path / "log.db")) as store:
        live(store)
        yield store


@pytest.fixture
def replica(primary: SqliteStore, tmp_path: Path) -> Iterator[SqliteStore]:
    """A copy of it, from before it went on."""
    export = exported(tmp_path / "log.db", tmp_path / "export.ndjson")
    imported(tmp_path / "replica.db", export)
    live(primary, 1000)
    with closing(SqliteStore(tmp_path / "replica.db")) as store:
        yield store


def answers(log: EventLog, limit: int) -> list[object]:
    """Return all that can be asked, from every position on."""
    head = log.head()
    aggregates = {UUID(bytes=one.aggregate) for one in log.stored(0, head)}
    return [
        head,
        log.output_head(),
        [log.recorded(position) for position in range(head + 2)],
        [list(log.read(after, limit)) for after in range(head + 2)],
        [list(log.stored(after, limit)) for after in range(head + 2)],
        [list(log.new_output(after, limit)) for after in range(log.output_head() + 2)],
        {one: [list(log.output(one, after, limit)) for after in range(4)] for one in aggregates},
        {one: list(log.history(one)) for one in aggregates},
        {one: log.output_end(one) for one in aggregates},
        list(log.api_keys()),
    ]


@pytest.mark.parametrize("limit", [1, 2, 7, 1000])
def test_whatever_the_replica_lacks_is_there(primary: SqliteStore, replica: SqliteStore, limit: int) -> None:
    """Each answer is the primary's, in its order, whole; also where the replica has everything, or can't be asked."""
    due = answers(primary.log, limit)
    assert replica.log.head() < primary.log.head()
    assert answers(Replicated(primary.log, replica.log), limit) == due
    assert answers(Replicated(primary.log, primary.log), limit) == due
    assert answers(Replicated(primary.log, Broken()), limit) == due  # type: ignore[arg-type]  # it answers nothing


def test_what_the_replica_has_is_read_there(primary: SqliteStore, replica: SqliteStore) -> None:
    """The primary is not asked for it: only for what is behind."""
    have = replica.log.head()
    log = Replicated(primary.log, replica.log)
    log.check()
    asked: list[int] = []
    inner = primary.log.read

    def counted(after: int, limit: int) -> Sequence[Happened]:
        asked.append(after)
        return inner(after, limit)

    primary.log.read = counted  # type: ignore[method-assign]  # nobody else has this log
    assert len(log.read(0, have)) == have
    assert asked == []
    log.read(0, have + 1)
    assert asked == [have]


def test_a_replica_of_another_log_is_never_read(primary: SqliteStore, tmp_path: Path) -> None:
    """It is refused at the start; and where it was empty or out of reach then, nothing is taken from it later."""
    with closing(SqliteStore(tmp_path / "other.db")) as other:
        log = Replicated(primary.log, other.log)
        log.check()
        due = answers(primary.log, 7)
        assert answers(log, 7) == due
        Life(other.audit_log, 5000).go_on(SOME)
        assert answers(log, 7) == due
        with pytest.raises(StoreUnusable, match="another log"):
            Replicated(primary.log, other.log).check()


def test_an_event_that_cant_be_read_stops_it_where_it_stops_the_primary(
    primary: SqliteStore, replica: SqliteStore, tmp_path: Path
) -> None:
    """What is before it comes, in one answer; from it on, it is said."""
    position = insert_from_the_future(tmp_path / "log.db")
    log = Replicated(primary.log, replica.log)
    assert [one.position for one in log.read(0, position + 5)] == list(range(1, position))
    with pytest.raises(Undecodable) as error:
        log.read(position - 1, 5)
    assert error.value.position == position
