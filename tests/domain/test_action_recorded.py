"""How an action is recorded: found running or waiting, dated, and taken over from elsewhere."""

from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from deedbook.domain.action import Facts, decide, evolve, import_, record
from deedbook.domain.commands import ImportAction, RecordAction
from deedbook.domain.events import ActionEnded, ActionEvent, ActionStarted, CancelRequested
from deedbook.domain.lifecycle import FINAL, State
from deedbook.domain.testing.strategies import structs
from tests.domain.given import ANN, BOB, ID, NOW, given, given_state, recorded

FACTS = Facts(NOW, lines=3, digest=b"digest")
STATES = sorted(State)


def recording(state: State, **more: Any) -> RecordAction:  # noqa: ANN401  # any field
    """Return the command to record an action on an object."""
    fields = {"object": "/a/", **more}
    return RecordAction(id=ID, namespace="acme", by=ANN, action="Scale", method="POST", path="/", state=state, **fields)


@pytest.mark.parametrize(
    ("state", "uri", "is_free", "found", "takes_lane"),
    [
        (State.PENDING, "/a/", True, State.IN_PROGRESS, True),
        (State.PENDING, "/a/", False, State.PENDING, True),
        (State.PENDING, "", False, State.IN_PROGRESS, False),
        (State.IN_PROGRESS, "/a/", False, State.IN_PROGRESS, True),
        (State.IN_PROGRESS, "", True, State.IN_PROGRESS, False),
        (State.SUCCESS, "/a/", True, State.SUCCESS, False),
        (State.FAILED, "/a/", False, State.FAILED, False),
    ],
)
def test_what_asks_to_wait_starts_where_its_lane_is_free(
    state: State, uri: str, found: State, *, is_free: bool, takes_lane: bool
) -> None:
    """A Pending one is found In progress where nothing runs or waits, or without an object; others are as recorded."""
    event = record(recording(state, object=uri), Facts(NOW, lane_is_free=is_free))
    assert (event.state, event.lane) == (found, takes_lane)
    assert event.start == (None if found is State.PENDING else NOW)
    assert event.end == (NOW if found in FINAL else None)
    assert event.created == NOW


@pytest.mark.parametrize(
    ("state", "start", "end", "dates"),
    [
        (State.SUCCESS, None, None, (NOW, NOW)),
        (State.SUCCESS, 10, None, (10, NOW)),
        (State.SUCCESS, None, 20, (20, 20)),
        (State.FAILED, 10, 20, (10, 20)),
        (State.SUCCESS, NOW + 9, None, (NOW + 9, NOW + 9)),
        (State.SUCCESS, None, NOW + 9, (NOW, NOW + 9)),
        (State.IN_PROGRESS, None, None, (NOW, None)),
        (State.IN_PROGRESS, 10, None, (10, None)),
    ],
)
def test_dates_are_those_given_or_now(
    state: State, start: int | None, end: int | None, dates: tuple[int, int | None]
) -> None:
    """A date that is left out is now, and no action ends before it starts; `created` is its start."""
    event = record(recording(state, start=start, end=end), FACTS)
    assert (event.start, event.end, event.created, event.at) == (*dates, dates[0], NOW)


@for_all(command=structs(RecordAction), is_free=st.booleans())
def test_what_was_recorded_holds_all_that_was_given(command: RecordAction, *, is_free: bool) -> None:
    """Every field of the command that is not a date or a state is in the event; the objects above are all there are."""
    event = record(command, Facts(NOW, above=("/up/", "/top/"), lane_is_free=is_free))
    kept = {name for name in command.__struct_fields__ if name not in ("id", "state", "start", "end", "parents")}
    assert {name: getattr(event, name) for name in kept} == {name: getattr(command, name) for name in kept}
    assert event.parents == ("/up/", "/top/")
    assert not event.imported


def importing(state: State, **more: Any) -> ImportAction:  # noqa: ANN401  # any field
    """Return the command to take over an action."""
    return ImportAction(
        id=ID, namespace="acme", by=BOB, action="Scale", method="POST", path="/", state=state, created=1, **more
    )


@for_all(command=structs(ImportAction))
def test_what_is_imported_is_taken_as_it_is(command: ImportAction) -> None:
    """Any of the six states, and dates of the past, or none; it takes no lane."""
    event = import_(command, FACTS)
    kept = {name for name in command.__struct_fields__ if name not in ("id", "lines")}
    assert {name: getattr(event, name) for name in kept} == {name: getattr(command, name) for name in kept}
    assert (event.imported, event.lane, event.lines, event.digest) == (True, False, 3, b"digest")


@pytest.mark.parametrize("before", STATES)
@pytest.mark.parametrize("after", STATES)
def test_an_import_brings_an_imported_action_further(before: State, after: State) -> None:
    """A later file moves what an earlier one left open, by the table, to the same state and end; never back."""
    action = given(recorded(before, imported=True, lane=False))
    end = 77 if after in FINAL else None
    for event in decide(action, importing(after, start=66, end=end), FACTS):
        action = evolve(action, ID, event)
    if before is after or not _leads(before, after):
        assert action.state is before
    else:
        assert (action.state, action.end) == (after, end)


@pytest.mark.parametrize(
    ("after", "kinds"),
    [
        (State.SUCCESS, [ActionStarted, ActionEnded]),
        (State.CANCELING, [ActionStarted, CancelRequested]),
        (State.CANCELED, [ActionEnded]),
    ],
)
def test_what_an_import_brings_further_names_its_caller(after: State, kinds: list[type[ActionEvent]]) -> None:
    """Each step that an import takes an action says who imported it, a start too."""
    action = given(recorded(State.PENDING, imported=True, lane=False))
    happened = decide(action, importing(after, start=66, end=77), FACTS)
    assert [type(event) for event in happened] == kinds
    assert [getattr(event, "by", None) for event in happened] == [BOB] * len(kinds)


def _leads(before: State, after: State) -> bool:
    """Tell whether any way through the table leads from one state to another."""
    order = [State.PENDING, State.IN_PROGRESS, State.CANCELING]
    return before in order and (after in FINAL or (after in order and order.index(before) < order.index(after)))


@pytest.mark.parametrize("before", STATES)
def test_an_import_leaves_alone_what_was_recorded_here(before: State) -> None:
    """Its lane and its worker know better than any file."""
    assert decide(given_state(before), importing(State.SUCCESS, end=77), FACTS) == []
