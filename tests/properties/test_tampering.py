"""Whatever is done to a store behind its back is found: the clumsy way by name, the clever way by the head noted."""

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from uuid import UUID

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from deedbook.domain.errors import StoreUnusable
from deedbook.domain.events import EVENTS
from deedbook.domain.results import Command
from deedbook.domain.testing.sequences import command_sequences
from tests.support.scene import Scene, scene
from tests.support.tampering import behind_its_back, copied, cover_up, length
from tests.support.verifying import codes, verified

Change = Callable[[sqlite3.Connection, int, int], object]


def found(there: Scene, change: Change, row: int, value: int, *, cleverly: bool) -> set[str]:
    """Change a copy of a store, and return the codes of what is found in it."""
    path = copied(there.path, there.path.parent.with_name("copy"))
    with behind_its_back(path) as db:
        change(db, row, value)
        if cleverly:
            cover_up(db)
    return codes(path, there.noted)


def at(db: sqlite3.Connection, row: int, table: str = "events", key: str = "position") -> int:
    """Return the key of some row of a table."""
    return int(db.execute(f"SELECT {key} FROM {table} ORDER BY {key} LIMIT 1 OFFSET ?",  # noqa: S608  # a table's name
                          (row % length(db, table),)).fetchone()[0])  # fmt: skip


def set_state(db: sqlite3.Connection, row: int, value: int) -> None:
    """Change one byte of an event."""
    position = at(db, row)
    state = bytearray(db.execute("SELECT state FROM events WHERE position = ?", (position,)).fetchone()[0])
    state[value % len(state)] ^= 1 + value % 255
    db.execute("UPDATE events SET state = ? WHERE position = ?", (bytes(state), position))


def set_topic(db: sqlite3.Connection, row: int, value: int) -> None:
    """Give an event another topic."""
    position = at(db, row)
    (topic,) = db.execute("SELECT topic FROM events WHERE position = ?", (position,)).fetchone()
    others = sorted({*EVENTS, "made.up/1"} - {topic})
    db.execute("UPDATE events SET topic = ? WHERE position = ?", (others[value % len(others)], position))


def set_aggregate(db: sqlite3.Connection, row: int, value: int) -> None:
    """Give an event to another aggregate."""
    db.execute("UPDATE events SET aggregate = ? WHERE position = ?", (UUID(int=7**20 + value).bytes, at(db, row)))


def set_version(db: sqlite3.Connection, row: int, value: int) -> None:
    """Give an event another version."""
    db.execute("UPDATE events SET version = version + 100 + ? WHERE position = ?", (value, at(db, row)))


def set_date(db: sqlite3.Connection, row: int, value: int) -> None:
    """Give an event another recorded date, before or after."""
    by = (value + 1) * (-1 if value % 2 else 1)
    db.execute("UPDATE events SET recorded = recorded + ? WHERE position = ?", (by, at(db, row)))


def delete_event(db: sqlite3.Connection, row: int, _: int) -> None:
    """Take an event away."""
    db.execute("DELETE FROM events WHERE position = ?", (at(db, row),))


def cut_tail(db: sqlite3.Connection, row: int, _: int) -> None:
    """Take away an event and all behind it."""
    db.execute("DELETE FROM events WHERE position >= ?", (at(db, row),))


def add_event(db: sqlite3.Connection, row: int, value: int) -> None:
    """Put the copy of an event, under a new aggregate, in some place but the last."""
    place, last = at(db, row), length(db, "events")
    for position in range(last, place - 1, -1):
        db.execute("UPDATE events SET position = position + 1 WHERE position = ?", (position,))
    db.execute(
        "INSERT INTO events SELECT ?, ?, 1, topic, recorded, state, leaf FROM events WHERE position = ?",
        (place, UUID(int=7**20 + value).bytes, place + 1),
    )


def append_event(db: sqlite3.Connection, row: int, value: int) -> None:
    """Put the copy of an event, under a new aggregate, at the end."""
    db.execute(
        "INSERT INTO events SELECT (SELECT max(position) + 1 FROM events), ?, 1, topic, recorded, state, leaf"
        " FROM events WHERE position = ?",
        (UUID(int=7**20 + value).bytes, at(db, row)),
    )


def swap_events(db: sqlite3.Connection, row: int, value: int) -> None:
    """Let two events change places."""
    one, other = at(db, row), at(db, value)
    assume(one != other)
    for before, after in ((one, -1), (other, one), (-1, other)):
        db.execute("UPDATE events SET position = ? WHERE position = ?", (after, before))


#: Each way to change the events, and the code of what is found where it is done clumsily; None: whatever there is.
EVENTS_CHANGED: Mapping[Change, str] = {
    set_state: "leaf",
    set_topic: "leaf",
    set_aggregate: "leaf",
    set_version: "version",
    set_date: "leaf",
    add_event: "leaf",
    append_event: "leaf",
    swap_events: "leaf",
}

NUMBERS = st.integers(0, 10_000)


@settings(max_examples=60)
@given(history=command_sequences(output=True), row=NUMBERS, value=NUMBERS, change=st.sampled_from(list(EVENTS_CHANGED)))
def test_a_change_of_the_events_is_found_by_name(history: list[Command], row: int, value: int, change: Change) -> None:
    """Whichever row is changed in whichever way, its leaf says so."""
    with scene(history) as there:
        assert EVENTS_CHANGED[change] in found(there, change, row, value, cleverly=False)


@settings(max_examples=60)
@given(
    history=command_sequences(output=True), row=NUMBERS, value=NUMBERS,
    change=st.sampled_from([set_state, set_topic, set_aggregate, set_date, delete_event, add_event, swap_events]),
)  # fmt: skip
def test_a_change_with_new_leaves_is_found_by_the_head(
    history: list[Command], row: int, value: int, change: Change
) -> None:
    """Positions, versions and leaves that were all made anew fit each other, and not the head that was noted."""
    with scene(history) as there:
        clever = found(there, change, row, value, cleverly=True)
        # Two events that are equal but for their places may change them.
        assert clever & {"head", "tail"}
        assert not clever & {"leaf", "hole"}


@settings(max_examples=40)
@given(history=command_sequences(output=True), row=NUMBERS, cleverly=st.booleans())
def test_a_tail_that_was_cut_is_found_by_the_head(history: list[Command], row: int, *, cleverly: bool) -> None:
    """From whichever event on: the log has fewer events than when its head was noted, and than its views have read."""
    with scene(history) as there:
        assert "tail" in found(there, cut_tail, row, 0, cleverly=cleverly)
        assert "tail" in found(there._replace(noted=None), cut_tail, row, 0, cleverly=cleverly)  # type: ignore[arg-type]


@settings(max_examples=30)
@given(history=command_sequences(output=True), row=NUMBERS)
def test_an_event_that_was_taken_away_leaves_a_hole(history: list[Command], row: int) -> None:
    """The first one, or any but the last, which the head alone tells."""
    with scene(history) as there:
        codes_ = found(there, delete_event, row, 0, cleverly=False)
        is_last = row % there.noted.size == there.noted.size - 1
        assert ("tail" if is_last else "hole") in codes_


def set_line(db: sqlite3.Connection, row: int, value: int) -> None:
    """Change a line of output."""
    db.execute("UPDATE output SET text = text || ? WHERE sequence = ?", (str(value), at(db, row, "output", "sequence")))


def set_line_date(db: sqlite3.Connection, row: int, value: int) -> None:
    """Change a line's date."""
    db.execute(
        "UPDATE output SET timestamp = timestamp + 1 + ? WHERE sequence = ?",
        (value, at(db, row, "output", "sequence")),
    )


def cut_output(db: sqlite3.Connection, row: int, value: int) -> None:
    """Cut lines from the end of the output of an action that ended."""
    action = _ended(db, row)
    (lines,) = db.execute("SELECT max(line) FROM output WHERE action = ?", (action,)).fetchone()
    db.execute("DELETE FROM output WHERE action = ? AND line > ?", (action, value % lines))


def cut_output_within(db: sqlite3.Connection, row: int, _: int) -> None:
    """Cut a line out of the middle."""
    db.execute("DELETE FROM output WHERE action = ? AND line = 2", (_ended(db, row),))


def add_line(db: sqlite3.Connection, row: int, value: int) -> None:
    """Add a line, with a digest that fits, behind the last of an action that ended."""
    action = _ended(db, row)
    db.execute(
        "INSERT INTO output SELECT (SELECT max(sequence) + 1 FROM output), action, max(line) + 1, ?, 'more', digest"
        " FROM output WHERE action = ?",
        (value, action),
    )


def invent_output(db: sqlite3.Connection, row: int, value: int) -> None:
    """Give output to an action that is not there."""
    db.execute(
        "INSERT INTO output SELECT (SELECT max(sequence) + 1 FROM output), ?, 1, ?, text, digest FROM output"
        " WHERE sequence = ?",
        (UUID(int=7**20).bytes, value, at(db, row, "output", "sequence")),
    )


def _ended(db: sqlite3.Connection, row: int) -> bytes:
    """Return one of the two actions that ended with three lines."""
    actions = db.execute("SELECT action FROM output WHERE text LIKE 'three of %' ORDER BY sequence").fetchall()
    return bytes(actions[row % len(actions)][0])


OUTPUT_CHANGED = [set_line, set_line_date, cut_output, cut_output_within, add_line, invent_output]


@settings(max_examples=60)
@given(
    history=command_sequences(output=True), row=NUMBERS, value=NUMBERS, change=st.sampled_from(OUTPUT_CHANGED),
    cleverly=st.booleans(),
)  # fmt: skip
def test_a_change_of_output_is_found_by_name(
    history: list[Command], row: int, value: int, change: Change, *, cleverly: bool
) -> None:
    """Also with digests that were made anew: the event that ended the action holds number and digest of its lines.

    Of an action that is still open nothing does: its output, all digests made anew, can't be told from another.
    """
    with scene(history) as there:
        if cleverly and change in (set_line, set_line_date):
            change = _of_ended(change)
        assert "output" in found(there, change, row, value, cleverly=cleverly)


def _of_ended(_: Change) -> Change:
    def change(db: sqlite3.Connection, row: int, value: int) -> None:
        action, line = _ended(db, row), 1 + value % 3
        db.execute("UPDATE output SET text = text || 'x' WHERE action = ? AND line = ?", (action, line))

    return change


#: What may be done to idempotency keys and API keys, and the code of what is found.
BESIDE: Mapping[str, str] = {
    "UPDATE idempotency SET result = CAST(replace(result, 'In progress', 'Success') AS BLOB)": "idempotency",
    "UPDATE idempotency SET result = CAST(replace(result, 'Scale', 'Spoof') AS BLOB)": "idempotency",
    "UPDATE idempotency SET result = x'00'": "idempotency",
    "UPDATE idempotency SET position = 1000000": "idempotency",
    "UPDATE idempotency SET position = 0": "idempotency",
    "UPDATE idempotency SET position = -1": "idempotency",
    "UPDATE api_keys SET role = 'admin'": "key",
    "UPDATE api_keys SET user = 'bob'": "key",
    "UPDATE api_keys SET namespace = 'globex'": "key",
    "UPDATE api_keys SET created = created + 1": "key",
    "UPDATE api_keys SET revoked = NULL": "key",
    "UPDATE api_keys SET revoked = 5": "key",
    "UPDATE api_keys SET id = x'00' WHERE revoked IS NULL": "key",
    "DELETE FROM api_keys WHERE revoked IS NULL": "key",
    "INSERT INTO api_keys VALUES (randomblob(16), 'eve', 'acme', 'admin', randomblob(32), 5, NULL)": "key",
}


@pytest.mark.parametrize("statement", sorted(BESIDE))
def test_a_change_beside_the_events_is_found_by_name(statement: str) -> None:
    """What an idempotency key answers, and who may do what, are held against the log."""
    with scene([]) as there:
        assert BESIDE[statement] in found(there, lambda db, *_: db.execute(statement), 0, 0, cleverly=False)
        assert BESIDE[statement] in found(there, lambda db, *_: db.execute(statement), 0, 0, cleverly=True)


@pytest.mark.parametrize("what", ["trigger", "index"])
def test_what_keeps_a_store_append_only_is_missed(what: str) -> None:
    """Each trigger, and each index that keeps something unique, is missed when it is gone."""
    with scene([]) as there, closing(sqlite3.connect(there.path, isolation_level=None)) as db:
        names = db.execute("SELECT name, sql FROM sqlite_master WHERE type = ? AND sql IS NOT NULL", (what,)).fetchall()
        assert names
        for name, statement in names:
            db.execute(f"DROP {what} {name}")
            missing = [one for one in verified(there.path).findings if name in one.what]
            assert [one.code for one in missing] == ["trigger" if what == "trigger" else "schema"]
            db.execute(statement)


def test_a_trigger_that_was_changed_or_added_is_found() -> None:
    """One that refuses nothing any more, and one that is none of ours."""
    with scene([]) as there:
        with closing(sqlite3.connect(there.path, isolation_level=None)) as db:
            db.execute("DROP TRIGGER events_update_append_only")
            db.execute("CREATE TRIGGER events_update_append_only BEFORE UPDATE ON events BEGIN SELECT 1; END")
            db.execute("CREATE TRIGGER extra AFTER INSERT ON events BEGIN DELETE FROM api_keys; END")
        told = [one.what for one in verified(there.path).findings if one.code == "trigger"]
        assert len(told) == 2


def test_a_file_whose_bytes_were_changed_is_found() -> None:
    """A database that is broken in the middle is a finding, and no failure of the check."""
    with scene([]) as there:
        whole = there.path.read_bytes()
        size = 4096
        for page in range(1, len(whole) // size):
            there.path.write_bytes(whole[: page * size] + b"\xff" * size + whole[(page + 1) * size :])
            assert _is_found_broken(there), page


def _is_found_broken(there: Scene) -> bool:
    try:
        return bool(verified(there.path, there.noted).findings)
    except StoreUnusable:
        # The page that says which tables there are.
        return True


def test_the_secret_of_a_key_is_not_in_the_log() -> None:
    """What `verify` can't show, as its documentation says: another secret for a key that was issued."""
    with scene([]) as there:
        statement = "UPDATE api_keys SET secret_hash = randomblob(32)"
        assert found(there, lambda db, *_: db.execute(statement), 0, 0, cleverly=False) == set()
