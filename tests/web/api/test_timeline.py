"""The list over time, call by call; that the counts are right for all histories, `tests/projections` shows."""

import httpx
import pytest

from deedbook.domain.lifecycle import State
from tests.support.server import Server
from tests.web.api.callers import Caller, Json, Tenant, document

DAY = "2026-07-14"


@pytest.fixture(scope="module")
def shelf(server: Server, http: httpx.Client) -> Caller:
    """Twelve actions, one every ten minutes from eight o'clock on, of which every third is Failed."""
    tenant = Tenant(http, server.key)
    tenant.recorder.batch(*(
        {"action": f"n{n}", "user": "ann" if n % 2 else "bob", "state": "Success" if n % 3 else "Failed",
         "start_date": f"{DAY}T{8 + n // 6:02}:{n % 6}0:00Z", "end_date": f"{DAY}T12:00:00Z"}
        for n in range(12)
    ))  # fmt: skip
    return tenant.auditor


def timeline(caller: Caller, query: str = "") -> Json:
    """Return a timeline."""
    answer = caller.get(f"/action/timeline/?{query}")
    assert answer.status_code == 200, answer.text
    return document(answer)


def test_each_bucket_tells_its_range_and_the_states_in_it(shelf: Caller) -> None:
    """The width is a round one, of which as few buckets as asked for hold all; the states are all six."""
    told = timeline(shelf, "buckets=2")
    assert (told["width"], told["from"], told["to"], told["total_count"]) == (
        "PT1H", f"{DAY}T08:00:00.000000Z", f"{DAY}T09:59:59.999999Z", 12
    )  # fmt: skip
    assert [bucket["total_count"] for bucket in told["buckets"]] == [6, 6]
    assert told["buckets"][0]["states"] == {str(state): {"Success": 4, "Failed": 2}.get(state, 0) for state in State}


@pytest.mark.parametrize("exact", ["true", "false"])
@pytest.mark.parametrize("query", ["", "user=ann", "user=ann&state=Failed", "q=bob", "q=n1", "state=Success&user=bob"])
def test_it_follows_the_filters(shelf: Caller, query: str, exact: str) -> None:
    """All that the list finds, and nothing else; each bucket's range, as dates of the list, finds what it counts."""
    told = timeline(shelf, f"{query}&buckets=5&exact={exact}")
    assert told["total_count"] == shelf.page(query)["meta"]["total_count"]
    for bucket in told["buckets"]:
        within = shelf.page(f"{query}&start_date__gte={bucket['from']}&start_date__lte={bucket['to']}")
        assert within["meta"]["total_count"] == bucket["total_count"]


def test_a_range_that_is_given_is_kept(shelf: Caller) -> None:
    """The first and the last bucket are cut to it, and what is outside does not count."""
    told = timeline(shelf, f"from={DAY}T08:05:00Z&to={DAY}T08:29:59Z&buckets=10")
    assert (told["from"], told["to"], told["width"]) == (
        f"{DAY}T08:05:00.000000Z", f"{DAY}T08:29:59.999999Z", "PT5M"
    )  # fmt: skip
    assert [bucket["total_count"] for bucket in told["buckets"]] == [0, 1, 0, 1, 0]
    assert timeline(shelf, "from=1990-01-01&to=1990-01-01&buckets=3")["total_count"] == 0


def test_nothing_has_no_buckets(shelf: Caller) -> None:
    """Where nothing is found and no range is given, there is none."""
    assert timeline(shelf, "user=nobody") == {
        "from": None, "to": None, "width": None, "sampled": 1.0, "total_count": 0, "buckets": []
    }  # fmt: skip


def test_the_past_has_a_timeline_too(recorder: Caller) -> None:
    """As of a position: in the states of then."""
    answer = recorder.post("/action/", {"action": "a", "method": "GET", "path": "/", "state": "In progress"})
    recorder.act(document(answer), "finish", {"state": "Success"})
    recorder.record()
    then = timeline(recorder, f"as_of={answer.headers['deedbook-position']}")
    assert [{state: n for state, n in bucket["states"].items() if n} for bucket in then["buckets"]] == [
        {"In progress": 1}
    ]
    assert timeline(recorder)["total_count"] == 2


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("limit", "limit=1"),
        ("cursor", "cursor=x"),
        ("order_by", "order_by=start_date"),
        ("buckets", "buckets=0"),
        ("buckets", "buckets=many"),
        ("buckets", "buckets=1&buckets=2"),
        ("from", "from=yesterday"),
        ("from", "from=2026-07-15&to=2026-07-14"),
        ("exact", "exact=roughly"),
        ("colour", "colour=red"),
        ("state", "state=odd"),
    ],
)
def test_what_makes_no_sense_is_refused(shelf: Caller, name: str, query: str) -> None:
    """400, with the parameter's name."""
    answer = shelf.get(f"/action/timeline/?{query}")
    assert answer.status_code == 400
    assert name in answer.json()["error"]


def test_more_than_200_buckets_are_taken_as_200(shelf: Caller) -> None:
    """And fewer than asked for may be enough."""
    told = timeline(shelf, f"from={DAY}T08:00:00Z&to={DAY}T09:59:59Z&buckets=5000")
    assert (len(told["buckets"]), told["width"]) == (120, "PT1M")
