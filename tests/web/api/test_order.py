"""The list is in chronological order, total and stable."""

import random
from pathlib import Path

from tests.support.server import serving
from tests.web.api.callers import Caller, Json, Tenant
from tests.web.api.conformance import asking

SECOND = "2014-09-17T08:26:22"


def names(actions: list[Json]) -> list[str]:
    """Return the names of actions."""
    return [action["action"] for action in actions]


def test_oldest_start_comes_first(recorder: Caller) -> None:
    """Whatever order they were recorded in; `order_by=start_date` says the same."""
    years = list(range(1990, 2020))
    random.Random(1).shuffle(years)
    recorder.batch(*({"action": str(year), "start_date": f"{year}-01-01"} for year in years))
    ordered = [str(year) for year in sorted(years)]
    assert names(recorder.listed("limit=500")) == ordered
    assert names(recorder.listed("limit=500&order_by=start_date")) == ordered


def test_minus_start_date_reverses_it(recorder: Caller) -> None:
    """Exactly, also among those that have the same start."""
    recorder.batch(*({"action": f"n{n}", "start_date": f"{SECOND}.{n // 3}Z"} for n in range(12)))
    assert names(recorder.listed("order_by=-start_date")) == names(recorder.listed())[::-1]


def test_the_order_uses_microseconds(recorder: Caller) -> None:
    """Dates are shown to the second, but kept and ordered to the microsecond."""
    recorder.batch(*({"action": f, "start_date": f"{SECOND}.{f}Z"} for f in ("000002", "5", "000001", "000003")))
    assert names(recorder.listed()) == ["000001", "000002", "000003", "5"]


def test_ties_are_broken_by_position(recorder: Caller) -> None:
    """Those with the same start come in the order in which they were recorded, forwards and backwards."""
    recorder.batch(*({"action": f"n{n}", "start_date": f"{SECOND}Z"} for n in range(10)))
    recorder.record(action="n10", start_date=f"{SECOND}Z")
    ordered = [f"n{n}" for n in range(11)]
    assert names(recorder.listed()) == ordered
    assert names(recorder.listed("order_by=-start_date")) == ordered[::-1]


def test_created_stands_in_where_there_is_no_start(recorder: Caller, operator: Caller) -> None:
    """What waits, and what was canceled while it waited, is where it was recorded."""
    recorder.record(action="runs", state="In progress", object="/o", start_date="2014-01-01")
    waits = recorder.record(action="waits", state="Pending", object="/o")
    recorder.record(action="later", state="In progress")
    recorder.record(action="before", start_date="2013-01-01")
    ordered = ["before", "runs", "waits", "later"]
    assert names(recorder.listed()) == ordered
    canceled = operator.act(waits, "cancel")
    assert (canceled["state"], canceled["start_date"]) == ("Canceled", None)
    assert names(recorder.listed()) == ordered


def test_a_start_puts_what_waited_in_its_place(recorder: Caller) -> None:
    """Once it starts, it is where its start is."""
    runs = recorder.record(action="runs", state="In progress", object="/o")
    recorder.record(action="waits", state="Pending", object="/o")
    recorder.record(action="between", state="In progress")
    assert names(recorder.listed()) == ["runs", "waits", "between"]
    recorder.act(runs, "finish", {"state": "Success"})
    assert names(recorder.listed()) == ["runs", "between", "waits"]


def test_a_server_can_list_newest_first(tmp_path: Path) -> None:
    """DEEDBOOK_LIST_ORDER=newest makes that the default, and `order_by` chooses still."""
    with serving(tmp_path, DEEDBOOK_LIST_ORDER="newest") as server, asking(server) as client:
        recorder = Tenant(client, server.key).recorder
        recorder.batch(*({"action": str(year), "start_date": f"{year}-01-01"} for year in (2001, 2003, 2002)))
        assert names(recorder.listed()) == ["2003", "2002", "2001"]
        assert names(recorder.listed("order_by=start_date")) == ["2001", "2002", "2003"]
        assert names(recorder.listed("order_by=-start_date")) == ["2003", "2002", "2001"]
