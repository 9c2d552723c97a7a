"""Appending to an action's output. What it then holds, the tests of the stream read."""

import json

import pytest

from deedbook.web.wire import LINES
from tests.web.api.callers import Caller, Json, Tenant
from tests.web.api.test_lifecycle import STATES, in_state


@pytest.fixture
def running(recorder: Caller) -> Json:
    """An action that runs."""
    return recorder.record(state="In progress")


def append(recorder: Caller, action: Json, *lines: object) -> Json:
    """Append lines and return what is told of them."""
    return recorder.act(action, "logs", {"lines": lines})


def test_lines_are_numbered_from_1(recorder: Caller, running: Json) -> None:
    """Each append is told the number of its first line, and how many they were."""
    assert append(recorder, running, "one", "two") == {"first": 1, "count": 2}
    assert append(recorder, running, "three") == {"first": 3, "count": 1}
    assert append(recorder, running, *"abcdef") == {"first": 4, "count": 6}


def test_each_action_has_its_own_numbers(recorder: Caller, running: Json) -> None:
    """Another one begins at 1."""
    append(recorder, running, "one", "two")
    assert append(recorder, recorder.record(state="In progress"), "one") == {"first": 1, "count": 1}


def test_a_line_is_text_or_has_a_time(recorder: Caller, running: Json) -> None:
    """A bare string is a line of now, as is one without a timestamp; both kinds can be mixed."""
    lines = [{"log": "a", "timestamp": 1433779324}, "b", {"log": "c"}, {"log": "d", "timestamp": None}, ""]
    assert append(recorder, running, *lines) == {"first": 1, "count": 5}


@pytest.mark.parametrize(
    ("text", "count"), [("a\nb", 2), ("a\r\nb\r\nc", 3), ("a\rb", 2), ("a\n\nb", 3), ("no break", 1), ("a\u2028b", 1)]
)
def test_a_line_break_inside_splits_a_line(recorder: Caller, running: Json, text: str, count: int) -> None:
    """However it is written."""
    assert append(recorder, running, text) == {"first": 1, "count": count}
    assert append(recorder, running, {"log": text, "timestamp": 7}) == {"first": 1 + count, "count": count}


def test_output_comes_as_ndjson_too(recorder: Caller, running: Json) -> None:
    """One line of output on each line, in both forms; blank ones don't count."""
    answer = recorder.post_lines(
        f"/action/{running['uuid']}/logs/", {"log": "a", "timestamp": 1433779324}, b"", "b", {"log": "c\nd"}
    )
    assert (answer.status_code, answer.json()) == (200, {"first": 1, "count": 4})
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("state", STATES)
def test_output_is_taken_while_it_runs(tenant: Tenant, state: str) -> None:
    """409 while Pending and after the end; what is being canceled still writes."""
    action = in_state(tenant, state)
    answer = tenant.recorder.post(f"/action/{action['uuid']}/logs/", {"lines": ["x"]})
    assert answer.status_code == (200 if state in ("In progress", "Canceling") else 409)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"lines": []},
        {"lines": "x"},
        {"lines": None},
        {"lines": [1]},
        {"lines": [None]},
        {"lines": [["x"]]},
        {"lines": ["good", {"log": 1}]},
        {"lines": ["good", {}]},
        {"lines": [{"log": "x", "timestamp": "now"}]},
        {"lines": [{"log": "x", "timestamp": 1.5}]},
        {"lines": [{"log": "x", "timestamp": -1}]},
        {"lines": [{"log": "x", "timestamp": 10**12}]},
        {"lines": [{"log": "x", "line": 1}]},
        {"lines": ["x"], "more": 1},
        ["x"],
    ],
    ids=json.dumps,
)
def test_what_are_no_lines_is_refused(recorder: Caller, running: Json, body: object) -> None:
    """400, and none of them is kept."""
    assert recorder.post(f"/action/{running['uuid']}/logs/", body).status_code == 400
    assert append(recorder, running, "x") == {"first": 1, "count": 1}


@pytest.mark.parametrize("lines", [[], [b" "], ["a", b"{"], ["a", 1], ["a", {"text": "x"}]], ids=str)
def test_ndjson_lines_are_taken_all_or_none(recorder: Caller, running: Json, lines: list[object]) -> None:
    """One bad line is a 400 for all, unlike in a batch of actions: their numbers are one answer."""
    assert recorder.post_lines(f"/action/{running['uuid']}/logs/", *lines).status_code == 400
    assert append(recorder, running, "x") == {"first": 1, "count": 1}


def test_a_line_has_a_bound(recorder: Caller, running: Json) -> None:
    """64 KiB, in bytes; over it is a 413, and nothing is kept."""
    path = f"/action/{running['uuid']}/logs/"
    for text in ("x" * 65537, "é" * 32769):
        assert recorder.post(path, {"lines": ["good", text]}).status_code == 413
        assert recorder.post_lines(path, "good", {"log": text}).status_code == 413
    assert append(recorder, running, "x" * 65536, "é" * 32768) == {"first": 1, "count": 2}
    assert append(recorder, running, "x" * 65536 + "\n" + "x" * 65536) == {"first": 3, "count": 2}


def test_an_append_has_a_bound(recorder: Caller, running: Json) -> None:
    """10,000 lines, in whatever form; over it is a 413 that says what to do, and nothing is kept."""
    path = f"/action/{running['uuid']}/logs/"
    texts = [""] * LINES
    for answer in (
        recorder.post(path, {"lines": [*texts, "x"]}),
        recorder.post(path, {"lines": ["x", "\n" * LINES]}),
        recorder.post(path, {"lines": [{"log": "\r\n" * (LINES + 1)}]}),
        recorder.post_lines(path, *texts, {"log": "x"}),
    ):
        sentence = "A request may append 10,000 lines at the most; send the others with further requests."
        assert (answer.status_code, answer.json()) == (413, {"error": sentence})
    assert append(recorder, running, "\n" * LINES) == {"first": 1, "count": LINES}
    assert append(recorder, running, *texts) == {"first": 1 + LINES, "count": LINES}
    assert recorder.post_lines(path, *texts, b"", b"").json() == {"first": 1 + 2 * LINES, "count": LINES}
