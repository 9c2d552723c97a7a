"""Batches: NDJSON in, NDJSON out, each line on its own."""

import json
from typing import Any

import pytest

from tests.web.api.callers import CALL, Caller, Json, Tenant

BAD = {**CALL, "state": "nonsense"}


def told(caller: Caller, *lines: object) -> list[Json]:
    """Return the lines that a batch is answered with."""
    answer = caller.post_lines("/action/", *lines)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-ndjson"), answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def test_each_line_is_answered_in_order(recorder: Caller) -> None:
    """With its number from 1, its status, and the action as it is found afterwards."""
    states = ["Success", "In progress", "Failed", "Pending"]
    answers = told(recorder, *({**CALL, "action": state, "state": state} for state in states))
    assert [(one["line"], one["status"]) for one in answers] == [(1, 201), (2, 202), (3, 201), (4, 202)]
    assert [one["action"]["action"] for one in answers] == states
    for one in answers:
        assert set(one) == {"line", "status", "action"}
        assert recorder.fetch(one["action"]) == one["action"]


def test_a_bad_line_harms_no_other(recorder: Caller) -> None:
    """It is answered with its error where it stands, and the others are recorded."""
    lines: list[Any] = [CALL, BAD, b"{", b"[]", {**CALL, "colour": "red"}, {**CALL, "ip": "x"}, CALL]
    answers = told(recorder, *lines)
    assert [one["status"] for one in answers] == [201, 400, 400, 400, 400, 400, 201]
    assert [set(one) for one in answers[1:6]] == [{"line", "status", "error"}] * 5
    assert all(one["error"].isascii() and one["error"].endswith(".") for one in answers[1:6])
    assert recorder.page()["meta"]["total_count"] == 2


def test_a_line_that_is_refused_harms_no_other(recorder: Caller) -> None:
    """A cycle among objects is the 409 of its own line only, and leaves nothing behind."""
    answers = told(
        recorder,
        {**CALL, "object": "/v", "parents": ["/s"]},
        {**CALL, "object": "/s", "parents": ["/v"]},
        {**CALL, "object": "/c", "parents": ["/v"]},
    )
    assert [one["status"] for one in answers] == [201, 409, 201]
    assert recorder.page()["meta"]["total_count"] == 2


def test_blank_lines_are_skipped_but_counted(recorder: Caller) -> None:
    """Numbers are those of the lines in the body, whichever way lines end."""
    body = json.dumps(CALL).encode()
    answers = told(recorder, b"", body, b"  ", b"\r", body + b"\r", b"")
    assert [(one["line"], one["status"]) for one in answers] == [(2, 201), (5, 201)]


def test_an_empty_batch_records_nothing(recorder: Caller) -> None:
    """And is answered with nothing."""
    assert told(recorder) == told(recorder, b"", b" ") == []
    assert recorder.page()["meta"]["total_count"] == 0


def test_lines_see_those_before_them(recorder: Caller) -> None:
    """What waits for an action of the same batch waits, and relationships of earlier lines hold."""
    answers = told(
        recorder,
        {**CALL, "object": "/o", "state": "In progress", "parents": ["/p"]},
        {**CALL, "object": "/o", "state": "Pending"},
    )
    assert [one["action"]["state"] for one in answers] == ["In progress", "Pending"]
    assert answers[1]["action"]["parents"] == ["/p"]


def test_many_lines_are_all_recorded_in_order(recorder: Caller) -> None:
    """More than share a transaction; their order is that of the list, since their dates are the same."""
    start = {"start_date": "2014-09-17", "end_date": "2014-09-17"}
    answers = told(recorder, *({**CALL, **start, "action": f"n{n}"} for n in range(2500)))
    assert [one["line"] for one in answers] == list(range(1, 2501))
    assert {one["status"] for one in answers} == {201}
    assert recorder.page()["meta"]["total_count"] == 2500
    page = recorder.listed("limit=500&offset=1800")
    assert [action["action"] for action in page] == [f"n{n}" for n in range(1800, 2300)]


@pytest.mark.parametrize(
    "kind", ["application/x-ndjson", "application/x-ndjson; charset=utf-8", "Application/X-NDJSON"]
)
def test_a_batch_is_known_by_its_content_type(recorder: Caller, kind: str) -> None:
    """Parameters and case don't matter."""
    answer = recorder.post("/action/", content=json.dumps(CALL), headers={"content-type": kind})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-ndjson")


def test_the_path_s_namespace_holds_for_every_line(tenant: Tenant, other: Tenant) -> None:
    """A batch of an admin goes where its path says."""
    tenant.admin.root = f"/{other.namespace}"
    told(tenant.admin, CALL, CALL)
    assert other.auditor.page()["meta"]["total_count"] == 2
    assert tenant.auditor.page()["meta"]["total_count"] == 0


def test_a_line_may_have_its_own_idempotency_key(recorder: Caller) -> None:
    """The same line with the same key answers what the first did; with another body it is a 422."""
    once = {**CALL, "idempotency_key": "k"}
    (first,) = told(recorder, once)
    again = told(recorder, CALL, once, {**once, "state": "Failed"}, {**once, "idempotency_key": "other"})
    assert [one["status"] for one in again] == [201, 201, 422, 201]
    assert again[1]["action"] == first["action"]
    assert recorder.page()["meta"]["total_count"] == 3


def test_a_key_counts_within_a_batch_too(recorder: Caller) -> None:
    """Twins among the lines of one batch are one action."""
    once = {**CALL, "idempotency_key": "k"}
    answers = told(recorder, once, once, {**once, "action": "Another"})
    assert [one["status"] for one in answers] == [201, 201, 422]
    assert answers[0]["action"] == answers[1]["action"]
    assert recorder.page()["meta"]["total_count"] == 1


def test_a_line_s_key_is_the_same_as_a_header_s(recorder: Caller) -> None:
    """An action recorded alone is not recorded again by a batch."""
    alone = recorder.post("/action/", CALL, headers={"idempotency-key": '"k"'}).json()
    (line,) = told(recorder, {**CALL, "idempotency_key": "k"})
    assert (line["status"], line["action"]) == (201, alone)


@pytest.mark.parametrize("key", ["", "x" * 256, 7, ["k"]])
def test_a_line_s_key_that_is_none_is_its_400(recorder: Caller, key: object) -> None:
    """And no other line's."""
    answers = told(recorder, {**CALL, "idempotency_key": key}, CALL)
    assert [one["status"] for one in answers] == [400, 201]


def test_the_header_on_a_batch_is_refused(recorder: Caller) -> None:
    """400: one key can't stand for many actions."""
    headers = {"content-type": "application/x-ndjson", "idempotency-key": "k"}
    answer = recorder.post("/action/", content=json.dumps(CALL), headers=headers)
    assert answer.status_code == 400
    assert recorder.page()["meta"]["total_count"] == 0
