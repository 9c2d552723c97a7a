"""Actions as this API lists them, relationships, and output."""

import json
from hashlib import sha256
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deedbook.domain.commands import ImportAction, Line, Once, StateParent
from deedbook.domain.lifecycle import State
from deedbook.web.importing import Item
from tests.web.importing.logs import (
    BY,
    DATE,
    Json,
    actions,
    appended,
    lines,
    only,
    output,
    own,
    reading,
    unreadable,
    uuid,
)

SECOND = 1_000_000


def test_every_field() -> None:
    """An action that this API lists is imported as it is."""
    action = only(lines(own(1, retry_of=f"/api/audit/v1/harbor/action/{uuid(2)}/")))
    assert action == ImportAction(
        id=UUID(uuid(1)),
        namespace="harbor",
        by=BY,
        action="Stack Deploy",
        method="POST",
        path="/api/app/v1/stack/1/start/",
        state=State.SUCCESS,
        created=DATE,
        start=DATE,
        end=DATE + 2 * SECOND,
        object="/api/app/v1/stack/1/",
        parents=("/api/app/v1/region/1/",),
        body='{"a": 1}',
        user="ada",
        user_agent="docker-cloud/1.0.9",
        ip="192.0.2.7",
        location="Lisbon, Portugal",
        retry_of=UUID(uuid(2)),
    )


def test_every_way_to_hold_actions() -> None:
    """NDJSON, a list, and the answer to a list request give the same; one action may stand alone."""
    pair = [own(1), own(2)]
    expected = reading(lines(*pair))
    assert len(actions(expected)) == 2
    assert reading(json.dumps(pair)) == expected
    envelope = {"meta": {"limit": 25, "offset": 0, "next": None, "previous": None, "total_count": 2}, "objects": pair}
    assert reading(json.dumps(envelope)) == expected
    assert reading(json.dumps(envelope, indent=2)) == expected
    assert reading(json.dumps(own(1), indent=2)) == expected[:1]


def test_only_the_necessary() -> None:
    """Operation, method, path, state and one date are enough; what is left out is as the API has it."""
    action = only('{"action":"A","method":"PUT","path":"/a","state":"Failed","start_date":"2026-03-04T06:06:07+01:00"}')
    assert (action.created, action.start, action.end) == (DATE, DATE, DATE)
    assert (action.object, action.user, action.location, action.is_user_action) == ("", None, "unknown", True)


def test_a_missing_uuid() -> None:
    """An action without a uuid gets one that its content gives, however it is written."""
    bare = own(1)
    del bare["uuid"]
    spaced = json.dumps(bare, indent=4)
    assert only(lines(bare)).id == only(spaced).id
    assert only(lines(bare)).id.version == 4
    assert only(lines(bare)).id != only(lines(bare | {"user": "bob"})).id


@pytest.mark.parametrize(
    ("changes", "created", "start", "end"),
    [
        ({"state": "Pending", "start_date": None, "end_date": None}, 0, None, None),
        ({"state": "Pending", "created": None, "end_date": None}, 0, None, None),
        ({"state": "In progress", "end_date": None}, 0, 0, None),
        ({"state": "In progress", "start_date": None, "end_date": None}, 0, 0, None),
        ({"state": "Canceling", "created": None, "end_date": None}, 0, 0, None),
        ({"state": "Canceled", "start_date": None}, 0, None, 2),
        ({"state": "Canceled"}, 0, 0, 2),
        ({"state": "Failed", "end_date": None}, 0, 0, 0),
        ({"created": "Wed, 04 Mar 2026 05:06:05 +0000"}, -2, 0, 2),
    ],
)
def test_dates_of_each_state(changes: Json, created: int, start: int | None, end: int | None) -> None:
    """A state has the dates that the lifecycle gives it; what waited began later than it was created."""
    action = only(lines(own(1, **changes)))
    dates = [None if date is None else (date - DATE) // SECOND for date in (action.created, action.start, action.end)]
    assert dates == [created, start, end]


def test_fraction_is_kept() -> None:
    """A date is kept to the microsecond."""
    action = only(lines(own(1, start_date="2026-03-04T05:06:07.000001Z", end_date="2026-03-04 05:06:08.5")))
    assert (action.start, action.end) == (DATE + 1, DATE + 1_500_000)


@pytest.mark.parametrize(
    ("state", "canceled", "retried"),
    [
        ("Pending", False, True),
        ("In progress", False, True),
        ("Canceling", True, True),
        ("Canceled", True, False),
        ("Success", True, False),
        ("Failed", True, False),
    ],
)
def test_what_a_recorder_forbade(state: str, canceled: bool, retried: bool) -> None:  # noqa: FBT001  # expected
    """False is a ban where the state would allow it; elsewhere it only says what can't be done in this state."""
    ended = state in {"Canceled", "Success", "Failed"}
    changes = {} if ended else {"end_date": None}
    action = only(lines(own(1, state=state, can_be_canceled=False, can_be_retried=False, **changes)))
    assert (action.can_be_canceled, action.can_be_retried) == (canceled, retried)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"colour": "red"}, "object contains unknown field `colour`"),
        ({"state": "Done"}, "invalid enum value 'Done'"),
        ({"body": {"a": 1}}, "expected `str | null`, got `object` - at `$.body`"),
        ({"path": None}, "expected `str`"),
        ({"start_date": "2026-02-30"}, "'2026-02-30' is no date that there is"),
        ({"start_date": 1_772_600_767}, "expected `str | null`, got `int`"),
        ({"end_date": "Wed, 04 Mar 2026 05:06:06 +0000"}, "it ended before it started"),
        ({"state": "In progress"}, "an action in state In progress can't have an end_date"),
        ({"start_date": None, "created": None}, "it needs a start_date, or the date when it was created"),
        ({"retry_of": ""}, "retry_of is no URI of an action"),
        ({"parents": [""]}, "expected `str` of length >= 1"),
    ],
)
def test_a_wrong_action(changes: Json, reason: str) -> None:
    """An action that contradicts the form or itself is reported with its line and reason; the others are read."""
    found = reading(lines(own(1), own(2, **changes), own(3)))
    (bad,) = unreadable(found)
    assert bad.line == 2
    assert bad.reason.startswith("This action can't be read: ")
    assert reason in bad.reason
    assert len(actions(found)) == 2


def test_relationship() -> None:
    """A relationship is stated as it says, each time that it says so."""
    found = reading(lines({"relationship": {"parent": "/a/", "child": "/b/"}}))
    assert found == [Item(1, StateParent(namespace="harbor", parent="/a/", child="/b/", by=BY))]
    (bad,) = unreadable(reading(lines({"relationship": {"parent": "/a/"}}, own(1))))
    assert bad.reason == (
        "This relationship can't be read: object missing required field `child` - at `$.relationship`."
    )


def test_output_of_what_has_ended() -> None:
    """Lines directly behind an action that ended come with it, in order; later ones are to be appended."""
    found = reading(
        lines(
            own(1),
            output(1, "a", {"log": "b", "timestamp": 7}),
            output(1, {"type": "log", "log": "c", "timestamp": None}),
            own(2),
            output(1, "d"),
        )
    )
    first, second = actions(found)
    assert first.lines == (Line("a"), Line("b", 7), Line("c"))
    assert second.lines == ()
    assert [(append.id, append.lines) for append in appended(found)] == [(first.id, (Line("d"),))]
    assert [one.line for one in found] == [1, 4, 5]


def test_output_of_what_runs() -> None:
    """Lines of an action that has not ended are appended, with a key that comes out the same in the next load."""
    running = own(1, state="In progress", end_date=None)
    log = lines(running, output(1, "a"), output(1, "a"), output(1, "b"))
    found = reading(log)
    assert found == reading(log)
    once = [one.once for one in found if isinstance(one, Item) and one.once is not None]
    digest = sha256(UUID(uuid(1)).bytes + b'["a"]').digest()
    assert once[:2] == [Once("harbor", f"load/{digest.hex()}/{count}", digest) for count in (1, 2)]
    assert len({one.key for one in once}) == len(appended(found)) == 3


@given(st.lists(st.text(alphabet="ab\r\n", max_size=8), min_size=1))
def test_line_breaks(texts: list[str]) -> None:
    """A line break inside a line splits it, one at its end does not add another, and nothing else is lost."""
    found = only(lines(own(1), output(1, *texts)))
    expected = []
    for text in texts:
        # `splitlines` has no line for an empty text, which is a line here.
        expected += text.splitlines() or [text]
    assert [line.text for line in found.lines] == expected


@pytest.mark.parametrize(
    "entry",
    [{"log": "a", "timestamp": -1}, {"log": "a", "timestamp": "now"}, {"timestamp": 1}, 7, {"log": "a", "level": 1}],
)
def test_wrong_output(entry: object) -> None:
    """Lines of another form are reported, and don't reach the action before them."""
    found = reading(lines(own(1), output(1, entry)))
    assert [one.line for one in unreadable(found)] == [2]
    assert [action.lines for action in actions(found)] == [()]
