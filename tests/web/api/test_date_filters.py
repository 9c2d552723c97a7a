"""The filters by date: which forms they take, and what a date names."""

import httpx
import pytest

from tests.support.server import Server
from tests.web.api.callers import Caller, Tenant

START = "2014-09-17T08:26:22.250000Z"
END = "2014-09-17T08:26:25.750000Z"


@pytest.fixture(scope="module")
def caller(server: Server, http: httpx.Client) -> Caller:
    """A namespace with one action of the past, one that runs since a year later, and one that waits for it."""
    recorder = Tenant(http, server.key).recorder
    recorder.record(action="past", start_date=START, end_date=END)
    recorder.record(action="runs", state="In progress", object="/o", start_date="2015-09-17")
    recorder.record(action="waits", state="Pending", object="/o")
    return recorder


def names(caller: Caller, query: str) -> list[str]:
    """Return the names of those that a query finds, in order."""
    return [action["action"] for action in caller.listed(query)]


@pytest.mark.parametrize("bound", ["start_date__gte", "start_date__lte", "end_date__gte", "end_date__lte"])
def test_a_date_copied_from_an_action_finds_that_action(caller: Caller, bound: str) -> None:
    """In either direction, although what is shown has lost its fraction."""
    shown = next(action for action in caller.listed() if action["action"] == "past")
    answer = caller.get("/action/", params={bound: shown[bound.partition("__")[0]]})
    assert "past" in [action["action"] for action in answer.json()["objects"]]


@pytest.mark.parametrize(
    ("query", "is_found"),
    [
        # Without a fraction a date is its whole second.
        ("start_date__gte=2014-09-17T08:26:22Z", True),
        ("start_date__gte=2014-09-17T08:26:23Z", False),
        ("start_date__lte=2014-09-17T08:26:22Z", True),
        ("start_date__lte=2014-09-17T08:26:21Z", False),
        ("end_date__gte=2014-09-17T08:26:25Z", True),
        ("end_date__gte=2014-09-17T08:26:26Z", False),
        ("end_date__lte=2014-09-17T08:26:25Z", True),
        ("end_date__lte=2014-09-17T08:26:24Z", False),
        # With one it is that microsecond.
        ("start_date__gte=2014-09-17T08:26:22.250000Z", True),
        ("start_date__gte=2014-09-17T08:26:22.250001Z", False),
        ("start_date__lte=2014-09-17T08:26:22.250000Z", True),
        ("start_date__lte=2014-09-17T08:26:22.249999Z", False),
        ("end_date__gte=2014-09-17T08:26:25.75Z", True),
        ("end_date__gte=2014-09-17T08:26:25.76Z", False),
        ("end_date__lte=2014-09-17T08:26:25.75Z", True),
        ("end_date__lte=2014-09-17T08:26:25.74Z", False),
        # Both ends, and both dates.
        ("start_date__gte=2014-09-17T08:26:22Z&start_date__lte=2014-09-17T08:26:22Z", True),
        ("start_date__gte=2014-09-17T08:26:20Z&end_date__lte=2014-09-17T08:26:30Z", True),
        ("start_date__gte=2014-09-17T08:26:23Z&end_date__lte=2014-09-17T08:26:30Z", False),
        ("start_date__lte=2014-09-17T08:26:20Z&start_date__gte=2014-09-17T08:26:30Z", False),
    ],
)
def test_both_bounds_are_included(caller: Caller, query: str, *, is_found: bool) -> None:
    """`__gte` counts from the beginning of what a date names, `__lte` to its end."""
    assert ("past" in names(caller, query)) is is_found


@pytest.mark.parametrize(
    "form",
    [
        "2014-09-17T08:26:{}Z",
        "2014-09-17T08:26:{}",
        "2014-09-17%2008:26:{}",
        "2014-09-17T10:26:{}%2B02:00",
        "2014-09-17T10:26:{}+02:00",
        "2014-09-17T10:26:{}+0200",
        "2014-09-17T03:56:{}-04:30",
        "2014-09-18T00:26:{}%2B16:00",
        "Wed,%2017%20Sep%202014%2008:26:{}%20%2B0000",
        "Wed,+17+Sep+2014+08:26:{}++0000",
        "Wed,%2017%20Sep%202014%2008:26:{}%20+0000",
        "Wed,%2017%20Sep%202014%2008:26:{}%20GMT",
        "Wed,%2017%20Sep%202014%2010:26:{}%20%2B0200",
        "Wed,%2017%20Sep%202014%2001:26:{}%20-0700",
    ],
)
def test_each_form_of_a_date_is_read(caller: Caller, form: str) -> None:
    """RFC 1123 and ISO 8601 with any offset, its `+` encoded or bare, which arrives as a space."""
    assert names(caller, f"start_date__gte={form.format(22)}&end_date__lte={form.format(25)}") == ["past"]
    assert "past" not in names(caller, f"start_date__gte={form.format(23)}")
    assert "past" not in names(caller, f"end_date__lte={form.format(24)}")


def test_what_has_no_date_is_in_no_range(caller: Caller) -> None:
    """A Pending action has no start; what has not ended has no end."""
    assert names(caller, "start_date__gte=1970-01-01") == ["past", "runs"]
    assert names(caller, "start_date__lte=9999-01-01") == ["past", "runs"]
    assert names(caller, "end_date__gte=1970-01-01") == ["past"]
    assert names(caller, "end_date__lte=9999-01-01") == ["past"]


@pytest.mark.parametrize("bound", ["start_date__gte", "start_date__lte", "end_date__gte", "end_date__lte"])
@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "1410942382",
        "2014-02-30",
        "2014-09-17T25:00:00Z",
        "Thu, 17 Sep 2014 08:26:22 +0000",
        "20140917",
    ],
)
def test_what_is_no_date_is_refused(caller: Caller, bound: str, text: str) -> None:
    """400, naming the parameter."""
    answer = caller.get("/action/", params={bound: text})
    assert (answer.status_code, bound in answer.json()["error"]) == (400, True)
