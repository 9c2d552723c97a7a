"""The API tells any moment of the past: what was listed then, and what an action was."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deedbook.domain.moments import position_at
from tests.web.api.callers import CALL, Caller, Json, Tenant, document
from tests.web.api.test_paging import walk

OBJECT = "/api/app/v1/service/then/"


def position(caller: Caller) -> int:
    """Return the position that the log has now, as an answer tells it."""
    return int(caller.get("/action/").headers["deedbook-position"])


def lived(tenant: Tenant) -> list[tuple[int, Json, Json]]:
    """Let two actions live; return each moment with the list and the waiting action as they were answered then."""
    moments = []
    recorder = tenant.recorder

    def look() -> None:
        moments.append((position(recorder), recorder.page("order_by=-start_date"), recorder.fetch(waiting)))

    first = recorder.record(object=OBJECT, state="In progress")
    waiting = recorder.record(object=OBJECT, state="Pending")
    look()
    recorder.act(first, "finish", {"state": "Failed"})
    look()
    tenant.operator.act(waiting, "cancel")
    look()
    recorder.relate("/api/app/v1/stack/then/", OBJECT)
    recorder.act(waiting, "finish", {"state": "Canceled"})
    look()
    tenant.operator.act(waiting, "retry")
    look()
    return moments


def test_every_moment_is_answered_as_it_was_answered_then(tenant: Tenant) -> None:
    """An action that is canceled now waited, ran, was being canceled: the list and the action say so."""
    moments = lived(tenant)
    states = [action["state"] for _, _, action in moments]
    assert states == ["Pending", "In progress", "Canceling", "Canceled", "Canceled"]
    for moment, page, action in moments:
        answer = tenant.auditor.get(f"/action/?order_by=-start_date&as_of={moment}")
        assert answer.headers["deedbook-position"] == str(moment)
        assert document(answer) == page
        one = tenant.auditor.get(f"/action/{action['uuid']}/?as_of={moment}")
        assert (document(one), one.headers["deedbook-position"]) == (action, str(moment))


def test_filters_are_of_the_moment(tenant: Tenant) -> None:
    """An action that ended since is found by the state that it had, and not by the one that it has."""
    (waited, _, action), *_ = lived(tenant)
    listed = tenant.auditor.listed
    assert [one["uuid"] for one in listed(f"state=Pending&as_of={waited}")] == [action["uuid"]]
    assert listed(f"state=Canceled&as_of={waited}") == []
    related = f"object={quote('/api/app/v1/stack/then/')}&include_related=true"
    assert listed(f"{related}&as_of={waited}") == []
    assert len(listed(related)) == 3


def test_what_was_recorded_later_was_not_there(recorder: Caller) -> None:
    """It is in no list of an earlier moment, and a 404 by itself."""
    recorder.record()
    before = position(recorder)
    later = recorder.record()
    assert recorder.page(f"as_of={before}")["meta"]["total_count"] == 1
    assert recorder.get(f"/action/{later['uuid']}/?as_of={before}").status_code == 404


def test_a_date_is_the_last_position_by_then(recorder: Caller) -> None:
    """The second at which an action was recorded finds it; a century before is before there was anything."""
    action = recorder.record()
    for date in (action["created"], action["created"].replace("+0000", "GMT")):
        found = recorder.listed({"as_of": date, "uuid": action["uuid"]})
        assert found == [action]


def test_pages_stay_at_one_moment(recorder: Caller) -> None:
    """`next` names the position that a date meant, so that what is recorded meanwhile is on no page."""
    recorder.batch(*({"action": f"n{n}"} for n in range(7)))
    moment = position(recorder)
    found = []
    for page in walk(recorder, f"limit=3&as_of={moment}"):
        found += [action["action"] for action in page["objects"]]
        assert page["meta"]["total_count"] == 7
        if page["meta"]["next"]:
            assert f"as_of={moment}" in page["meta"]["next"]
        recorder.record(action="later")
    assert found == [f"n{n}" for n in range(7)]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("0", "from 1 on"),
        ("999999999999", "ends at position"),
        ("9" * 40, "ends at position"),
        ("-1", "not a date"),
        ("", "not a date"),
        ("yesterday", "not a date"),
        ("9999-12-31T23:59:59Z", "in the future"),
        ("1970-01-02T00:00:00Z", "before there was anything: the first event was recorded on"),
        ("2024-02-30", "no date that there is"),
    ],
)
def test_what_names_no_moment_is_refused(recorder: Caller, text: str, says: str) -> None:
    """With one sentence, in a list and for one action."""
    action = recorder.record()
    for path in ("/action/", f"/action/{action['uuid']}/"):
        answer = recorder.get(path, params={"as_of": text})
        assert answer.status_code == 400
        assert says in answer.json()["error"]
        assert "as_of" in answer.json()["error"]


def test_it_can_be_given_once_only(recorder: Caller) -> None:
    """Two moments are none."""
    recorder.record(**CALL)
    assert recorder.get("/action/?as_of=1&as_of=2").status_code == 400


class Recorded:
    """A log of which only the dates are known."""

    def __init__(self, dates: list[int]) -> None:
        self.dates = dates

    def recorded(self, position: int) -> int | None:
        """See `EventLog.recorded`."""
        return self.dates[position - 1] if 0 < position <= len(self.dates) else None


@given(dates=st.lists(st.integers(0, 30), max_size=40).map(sorted), date=st.integers(-1, 31))
def test_a_date_finds_the_last_event_by_then(dates: list[int], date: int) -> None:
    """Whatever dates a log has, many of them equal: the last position whose date is not after it."""
    expected = sum(one <= date for one in dates)
    assert position_at(Recorded(dates), date, len(dates)) == expected
