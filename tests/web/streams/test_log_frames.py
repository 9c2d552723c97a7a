"""What stands in the frames of the log stream, which lines come, and when it ends."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.server import Server
from tests.support.websocket import Close
from tests.web.api.callers import Caller, Json, Tenant
from tests.web.streams.listening import append, finish, output, running

ALL_THERE_ARE = Close(1000, "these are the lines that there are")
ENDED = Close(1000, "the action has ended")


def logs(server: Server, caller: Caller, action: Json, query: str) -> tuple[list[str], Close]:
    """Return the lines of a log stream up to its end."""
    with output(server, caller, action, query) as stream:
        frames, close = stream.rest()
    return [frame["log"] for frame in frames], close


def test_a_frame_is_a_line(server: Server, tenant: Tenant) -> None:
    """One line a frame, with no line break; `timestamp` in whole seconds, as given or of now; `line` counts from 1."""
    before = int(time.time())
    action = running(tenant.recorder)
    lines = [{"log": "one", "timestamp": 1433779324}, "two\nthree\r\nfour\n", "", "fünf\t☃"]
    tenant.recorder.act(action, "logs", {"lines": lines})
    with output(server, tenant.auditor, action, "follow=false") as stream:
        frames = stream.rest()[0]
    assert all(list(frame) == ["type", "log", "timestamp", "line"] for frame in frames)
    assert {frame["type"] for frame in frames} == {"log"}
    assert [frame["log"] for frame in frames] == ["one", "two", "three", "four", "", "fünf\t☃"]
    assert [frame["line"] for frame in frames] == [1, 2, 3, 4, 5, 6]
    assert frames[0]["timestamp"] == 1433779324
    assert all(type(frame["timestamp"]) is int for frame in frames)
    assert all(before <= frame["timestamp"] <= time.time() for frame in frames[1:])


def test_tail_is_the_last_lines(server: Server, tenant: Tenant) -> None:
    """For all outputs and tails: the last so many lines there are, 0 is none, then 1000."""
    recorder = tenant.recorder

    @settings(max_examples=25)
    @given(lines=st.lists(st.sampled_from("abc"), max_size=8), tail=st.integers(0, 10))
    def holds(lines: list[str], tail: int) -> None:
        action = running(recorder, *lines)
        expected = lines[max(0, len(lines) - tail) :]
        assert logs(server, recorder, action, f"follow=false&tail={tail}") == (expected, ALL_THERE_ARE)

    holds()


def test_tail_is_300_unless_said(server: Server, tenant: Tenant) -> None:
    """Of 305 lines the last 300 come, then those that are new."""
    lines = [str(number) for number in range(305)]
    action = running(tenant.recorder, *lines)
    assert logs(server, tenant.auditor, action, "follow=false") == (lines[5:], ALL_THERE_ARE)
    with output(server, tenant.auditor, action) as stream:
        append(tenant.recorder, action, "new")
        assert [frame["log"] for frame in stream.frames(301)] == [*lines[5:], "new"]


def test_it_is_followed_until_the_action_ends(server: Server, tenant: Tenant) -> None:
    """Each new line comes while it runs; 1000 comes behind the last one, once it has ended."""
    action = running(tenant.recorder, "old", "last")
    with output(server, tenant.auditor, action, "tail=1") as stream:
        assert stream.frame()["log"] == "last"
        append(tenant.recorder, action, "new")
        assert stream.frame()["log"] == "new"
        append(tenant.recorder, action, *map(str, range(700)))
        finish(tenant.recorder, action, "Failed")
        frames, close = stream.rest()
    assert [frame["log"] for frame in frames] == [*map(str, range(700))]
    assert close == ENDED


def test_an_ended_action_has_its_tail_and_no_more(server: Server, tenant: Tenant) -> None:
    """Followed after its end, an action's stream closes with 1000 behind the lines asked for."""
    action = running(tenant.recorder, "one", "two", "three")
    finish(tenant.recorder, action)
    assert logs(server, tenant.auditor, action, "tail=2") == (["two", "three"], ENDED)
    assert logs(server, tenant.auditor, action, "tail=0") == ([], ENDED)


@pytest.mark.parametrize("state", ["Success", "Failed"])
def test_an_action_that_was_recorded_ended(server: Server, tenant: Tenant, state: str) -> None:
    """It never had output: its stream is followed to its end, 1000, at once."""
    action = tenant.recorder.record(state=state)
    assert logs(server, tenant.auditor, action, "") == ([], ENDED)


def test_an_action_that_waits_is_followed_into_its_run(server: Server, tenant: Tenant) -> None:
    """A Pending action's stream is open, and has its lines once it runs; canceled instead, it ends."""
    first, second, third = (tenant.recorder.record(state="Pending", object="/web/") for _ in range(3))
    with (
        output(server, tenant.auditor, second) as runs,
        output(server, tenant.auditor, third) as canceled,
    ):
        tenant.operator.act(third, "cancel")
        assert canceled.rest() == ([], ENDED)
        finish(tenant.recorder, first)
        append(tenant.recorder, second, "begun")
        assert runs.frame()["log"] == "begun"


def test_output_is_only_the_actions_own(server: Server, tenant: Tenant) -> None:
    """Lines of actions that run beside it are not in its stream."""
    one, two = running(tenant.recorder), running(tenant.recorder)
    with output(server, tenant.auditor, one) as stream:
        append(tenant.recorder, two, "not this")
        append(tenant.recorder, one, "this")
        assert stream.frame()["log"] == "this"
