"""Lines that are looked for in an output: by a text, from a moment on, so many."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.web.api.callers import Caller, Json, Tenant
from tests.web.streams.listening import append, running

#: Few letters, so that something is found; and what colours them, which nobody reads.
_TEXT = st.lists(st.sampled_from(["a", "B", "ß", "É", " ", "\x1b[31m", "\x1b[0m"]), max_size=6).map("".join)


def found(caller: Caller, action: Json, **query: str | int) -> list[int]:
    """Return the numbers of the lines that are answered."""
    answer = caller.get(
        f"/action/{action['uuid']}/logs/", params=query, headers={"accept": "application/x-ndjson"}
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    return [json.loads(line)["line"] for line in answer.text.splitlines()]


def test_every_line_that_holds_it_is_found_and_no_other(tenant: Tenant) -> None:
    """For all outputs and questions: the first `limit` lines behind `after`, of then or later, that read so."""
    recorder = tenant.recorder

    @settings(max_examples=60)
    @given(
        lines=st.lists(st.tuples(st.integers(0, 9), _TEXT), min_size=1, max_size=40),
        text=st.sampled_from(["a", "b", "é", "ab", " ", "31m"]) | st.none(),
        since=st.integers(0, 9) | st.none(),
        limit=st.integers(1, 5) | st.none(),
        after=st.integers(0, 1),
    )
    def holds(lines: list[tuple[int, str]], text: str | None, since: int | None, limit: int | None, after: int) -> None:
        action = running(recorder)
        recorder.act(action, "logs", {"lines": [{"log": log, "timestamp": at} for at, log in lines]})
        asked: dict[str, str | int] = {"after": after}
        if text is not None:
            asked["q"] = text.upper()
        if since is not None:
            asked["timestamp__gte"] = f"1970-01-01T00:00:0{since}Z"
        if limit is not None:
            asked["limit"] = limit
        expected = [
            number
            for number, (at, log) in enumerate(lines, 1)
            if number > after
            and at >= (since or 0)
            and (text or "") in log.replace("\x1b[31m", "").replace("\x1b[0m", "").lower()
        ]
        assert found(recorder, action, **asked) == expected[:limit]

    holds()


def test_what_is_far_behind_is_found(tenant: Tenant) -> None:
    """However many lines, and however long ones, stand before it."""
    action = running(tenant.recorder)
    append(tenant.recorder, action, *["x" * 60_000] * 40)
    for _ in range(2):
        append(tenant.recorder, action, *["y"] * 10_000)
    append(tenant.recorder, action, "needle", "y")
    assert found(tenant.auditor, action, q="Needle") == [20_041]
    assert found(tenant.auditor, action, after=20_040, limit=1) == [20_041]


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("q", "", "q is a text"),
        ("limit", "0", "limit"),
        ("limit", "x", "limit"),
        ("timestamp__gte", "x", "timestamp__"),
    ],
)
def test_what_makes_no_sense_is_refused(tenant: Tenant, name: str, value: str, says: str) -> None:
    """With a 400 that names the parameter."""
    action = running(tenant.recorder, "one")
    answer = tenant.auditor.get(f"/action/{action['uuid']}/logs/", params={name: value})
    assert answer.status_code == 400
    assert says in answer.json()["error"]
