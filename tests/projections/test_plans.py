"""What any list costs, without a clock: every filter has an index, and no question takes many statements."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from uuid import UUID

import pytest

from deedbook.projections.reader import Reader, Snapshot
from deedbook.web.protocols import HEAD
from tests.benchmarks.lists import filled
from tests.benchmarks.questions import FLAT, UNEVEN, parsed
from tests.benchmarks.stores import viewed
from tests.support.objects import stack

#: Tables that grow with the log, and what statements call them: nothing may read all of one, but along an index in the
#: order of the list, as far as a page goes. Terms are what free text is looked for in.
LARGE = {"actions", "documents", "bodies", "listed", "past", "ranks", "ancestry", "relationships"} | {"a", "l", "v"}

#: The most statements that a list may take, whatever is asked.
STATEMENTS = 10


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """Give the views of some actions."""
    with viewed(tmp_path_factory.mktemp("plans"), 2000) as reader:
        yield reader


@contextmanager
def traced(snapshot: Snapshot) -> Iterator[list[str]]:
    """Give the statements that are run inside the block, with their parameters."""
    statements: list[str] = []
    snapshot.db.conn.set_trace_callback(statements.append)
    try:
        yield statements
    finally:
        snapshot.db.conn.set_trace_callback(None)


def read_whole(db: sqlite3.Connection, statement: str) -> list[str]:
    """Return the large tables of which a statement reads every row."""
    plan = [step for *_, step in db.execute(f"EXPLAIN QUERY PLAN {statement}")]
    return [step for step in plan if step.startswith("SCAN") and step.split()[1] in LARGE and "INDEX" not in step]


@pytest.mark.parametrize("name", [*FLAT, *UNEVEN])
@pytest.mark.parametrize("further", ["", "&offset=700", "&order_by=-start_date&offset=700"])
def test_every_filter_has_an_index(reader: Reader, name: str, further: str) -> None:
    """Filters, pairs of them, and pages far down are searched for through an index, in few statements."""
    question = filled({**FLAT, **UNEVEN}, reader)[name]
    if further and "order_by" in question:
        pytest.skip("it names an order")
    with reader.snapshot() as snapshot, traced(snapshot) as statements:
        snapshot.actions(parsed(question + further))
    with reader.snapshot() as snapshot:
        whole = [step for statement in statements for step in read_whole(snapshot.db.conn, statement)]
    assert not whole, question
    assert 0 < len(statements) <= STATEMENTS, statements


@pytest.mark.parametrize("field", ["user", "ip"])
@pytest.mark.parametrize("other", [f"object={stack(3)}", "method=GET", "action=Stack+Update&user_agent=curl%2F8.5.0"])
def test_what_few_have_is_checked_in_its_index(reader: Reader, field: str, other: str) -> None:
    """Where user, object or address drive, and others of these or of the kind are asked too, no row is looked up."""
    with reader.snapshot() as snapshot, traced(snapshot) as statements:
        snapshot.actions(parsed(f"{field}={'user7' if field == 'user' else '203.0.113.9'}&{other}"))
    with reader.snapshot() as snapshot:
        plan = [step for *_, step in snapshot.db.execute(f"EXPLAIN QUERY PLAN {statements[-1]}")]
    found = [step for step in plan if "INDEX actions_by_" in step]
    assert found, plan
    assert all("USING COVERING INDEX actions_by_" in step for step in found)


@pytest.mark.parametrize("further", ["", "&uuid__startswith=0", "&as_of=500", "&state=Failed"])
def test_any_number_of_uuids_is_searched_for(reader: Reader, further: str) -> None:
    """As many as fit in the head of a request, each through the index."""
    question = "&".join(f"uuid={UUID(int=number)}" for number in range(1600))
    with reader.snapshot() as snapshot, traced(snapshot) as statements:
        snapshot.actions(parsed(question + further))
    with reader.snapshot() as snapshot:
        plan = [step for statement in statements for *_, step in snapshot.db.execute(f"EXPLAIN QUERY PLAN {statement}")]
    assert any(step.startswith("SEARCH a USING INDEX actions_by_uuid (uuid=?") for step in plan), plan
    assert not [step for step in plan if step.startswith("SCAN a")], plan


@pytest.mark.parametrize("field", ["user", "action", "user_agent"])
@pytest.mark.parametrize("further", ["", "&as_of=500", "&q=deploy", "&method=GET", "&state=Failed"])
def test_as_many_values_as_a_request_can_have_are_no_more_than_sqlite_takes(
    reader: Reader, field: str, further: str
) -> None:
    """Built as its makers do, it takes 32,766 parameters: no statement has more."""
    users = [f"user{number}" for number in range(50)]
    values = [*users, *("".join(letters) for letters in product("abcdefghijklmnopqrstu", repeat=3))]
    question = "&".join(f"{field}={value}" for value in values)
    assert len(question) > HEAD
    with reader.snapshot() as snapshot:
        snapshot.db.conn.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 32_766)
        snapshot.actions(parsed(question + further))


def test_a_scan_is_seen(reader: Reader) -> None:
    """The test above would notice: a condition without an index is a scan of its table."""
    with reader.snapshot() as snapshot:
        assert read_whole(snapshot.db.conn, "SELECT id FROM actions WHERE permits = 3")
