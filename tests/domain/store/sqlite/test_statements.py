"""What recording costs in SQLite, counted and not timed: statements and commits."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest

from deedbook.domain.commands import EndParent, ImportAction, Retry, SaveSearch, StateParent
from deedbook.domain.lifecycle import State
from deedbook.domain.results import Command
from deedbook.domain.store.sqlite import SqliteStore, recorder
from deedbook.domain.store.sqlite.recorder import connected
from tests.contract.giving import BY, NAMESPACE, append, cancel, finish, once, recorded, recording, together

#: How many are given together: more than the writer takes of what comes one by one.
MANY = 1000


class Traced:
    """A store whose writing statements are seen; what triggers do is left out."""

    def __init__(self, store: SqliteStore, statements: list[str], connections: list[sqlite3.Connection]) -> None:
        self.store = store
        self.statements = statements
        self.connections = connections

    def cost(self, commands: list[Command]) -> list[str]:
        """Give commands together; return the statements that they took."""
        self.statements.clear()
        outcomes = together(self.store, commands)
        failed = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        assert not failed
        return [statement for statement in self.statements if not statement.startswith("--")]


@pytest.fixture
def traced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Traced]:
    """A new store."""
    statements: list[str] = []
    connections: list[sqlite3.Connection] = []

    def made(path: str) -> sqlite3.Connection:
        connection = connected(path)
        connection.set_trace_callback(statements.append)
        connections.append(connection)
        return connection

    monkeypatch.setattr(recorder, "connected", made)
    with closing(SqliteStore(tmp_path / "log.db")) as store:
        yield Traced(store, statements, connections)


def imported() -> ImportAction:
    """Return the command to take over an action that nobody knows, below two objects."""
    return ImportAction(
        id=uuid4(), namespace=NAMESPACE, by=BY, action="Scale", method="POST", path="/", state=State.SUCCESS,
        object="/a/", parents=("/b/", "/c/"), created=1, start=1, end=1,
    )  # fmt: skip


@pytest.mark.parametrize("command", [recording, imported])
def test_a_thousand_commands_that_are_given_together_make_one_commit(
    traced: Traced, command: Callable[[], Command]
) -> None:
    """They share a transaction, and so one wait for the disk."""
    statements = traced.cost([command() for _ in range(MANY)])
    assert statements.count("COMMIT") == statements.count("BEGIN IMMEDIATE") == 1


@pytest.mark.parametrize("command", [recording, imported])
def test_a_batch_asks_no_more_the_larger_it_is(traced: Traced, command: Callable[[], Command]) -> None:
    """What the store is asked to decide on new actions, it is asked once for all of them."""
    traced.cost([command()])
    few, many = (asked(traced.cost([command() for _ in range(count)])) for count in (3, MANY))
    assert few == many > 0


def asked(statements: list[str]) -> int:
    """Return how many of them ask."""
    return sum(statement.startswith("SELECT") for statement in statements)


#: At the most so many statements for a command that comes alone, all that begins and ends its transaction included.
MOST = 12


def test_a_command_takes_no_more_than_a_fixed_number_of_statements(traced: Traced) -> None:
    """Each kind of them, also when much was recorded before."""
    traced.cost([imported() for _ in range(MANY)])
    traced.cost([recording(State.PENDING, "/lane/") for _ in range(MANY)])
    running, other, ended = (recorded(traced.store, recording(state)).id for state in
                             (State.IN_PROGRESS, State.IN_PROGRESS, State.SUCCESS))  # fmt: skip
    for command in (
        recording(State.IN_PROGRESS, "/d/"),
        recording(State.SUCCESS, "/e/", parents=("/f/",)),
        recording(State.PENDING, "/lane/"),
        append(running, "a line"),
        finish(running),
        cancel(other),
        Retry(id=ended, namespace=NAMESPACE, by=BY, retry=uuid4()),
        StateParent(namespace=NAMESPACE, parent="/f/", child="/g/", by=BY),
        EndParent(namespace=NAMESPACE, parent="/f/", child="/g/", by=BY),
        SaveSearch(namespace=NAMESPACE, name="failed", query="state=Failed", by=BY),
        imported(),
    ):
        statements = traced.cost([command])
        assert statements.count("COMMIT") == 1
        assert len(statements) <= MOST, f"{type(command).__name__}: {statements}"


def test_a_repeated_command_inserts_nothing(traced: Traced) -> None:
    """Its first answer is looked up, by one statement."""
    command, key = recording(), once("a key")
    together(traced.store, [(command, key)])
    first = together(traced.store, [(command, key)])
    traced.statements.clear()
    assert together(traced.store, [(command, key)]) == first
    assert not [statement for statement in traced.statements if statement.startswith("INSERT")]


def test_a_statement_is_compiled_once(traced: Traced) -> None:
    """SQLite asks the authorizer about each part of a statement that it compiles, and of no other."""
    compiled: list[str | None] = []

    def authorize(_action: int, subject: str | None, *_: object) -> int:
        compiled.append(subject)
        return sqlite3.SQLITE_OK

    traced.cost([recording()])
    for connection in traced.connections:
        connection.set_authorizer(authorize)
    # What was compiled before is compiled again then.
    traced.cost([recording()])
    assert "events" in compiled
    compiled.clear()
    traced.cost([recording()])
    assert not compiled
