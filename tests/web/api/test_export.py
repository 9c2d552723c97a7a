"""The list as a file: CSV for spreadsheets, NDJSON for programs; all that the filters find, of one moment."""

import csv
import io
import json

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.server import Server
from tests.web.api.callers import Caller, Json, Tenant

#: More than two pages of what an export reads at once.
COUNT = 1100
DANGEROUS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"]


@pytest.fixture(scope="module")
def shelf(server: Server, http: httpx.Client) -> Tenant:
    """A namespace with many actions, every other of them by ann."""
    tenant = Tenant(http, server.key)
    tenant.recorder.batch(*({"action": f"n{n}", "user": "ann" if n % 2 else "bob"} for n in range(COUNT)))
    return tenant


def exported(caller: Caller, query: str = "", form: str = "ndjson") -> httpx.Response:
    """Return an export."""
    answer = caller.get(f"/action/?format={form}&{query}")
    assert answer.status_code == 200, answer.text
    return answer


def lines(caller: Caller, query: str = "") -> list[Json]:
    """Return the actions of an export as NDJSON."""
    return [json.loads(line) for line in exported(caller, query).text.splitlines()]


def rows(caller: Caller, query: str = "") -> list[dict[str, str]]:
    """Return the rows of an export as CSV."""
    return list(csv.DictReader(io.StringIO(exported(caller, query, "csv").text, newline="")))


@pytest.mark.parametrize("query", ["", "user=ann", "q=n10", "user=bob&order_by=-start_date", "user=nobody"])
def test_a_file_holds_all_that_the_filters_find(shelf: Tenant, query: str) -> None:
    """In the order of the list, each action as the list has it; so do both forms."""
    listed: list[Json] = []
    for offset in range(0, COUNT, 500):
        listed += shelf.auditor.listed(f"{query}&limit=500&offset={offset}")
    assert lines(shelf.auditor, query) == listed
    assert [row["uuid"] for row in rows(shelf.auditor, query)] == [action["uuid"] for action in listed]


def test_a_file_is_of_one_moment(shelf: Tenant, recorder: Caller) -> None:
    """The position in its head: as of it, the list is the file; what came later is not in it."""
    recorder.record(action="early")
    answer = exported(recorder)
    position = answer.headers["deedbook-position"]
    recorder.record(action="late")
    assert [json.loads(line)["action"] for line in answer.text.splitlines()] == ["early"]
    assert lines(recorder, f"as_of={position}") == recorder.listed(f"as_of={position}")
    assert len(lines(recorder)) == 2
    assert len(lines(shelf.auditor)) == COUNT


def test_bodies_are_whole(recorder: Caller) -> None:
    """Also those that are too long for a page of the list."""
    recorder.record(body="x" * 5000)
    assert recorder.listed()[0]["body"] is None
    assert lines(recorder)[0]["body"] == "x" * 5000
    assert rows(recorder)[0]["body"] == "x" * 5000


@pytest.mark.parametrize("text", DANGEROUS)
def test_what_a_spreadsheet_would_run_is_escaped(recorder: Caller, text: str) -> None:
    """With an apostrophe before it, in each column that holds what others wrote; NDJSON has it as it is."""
    recorder.record(action=text, object=text, user=text, body=text, path=text)
    (row,) = rows(recorder)
    assert {row[name] for name in ("action", "object", "user", "body", "path")} == {f"'{text}"}
    assert lines(recorder)[0]["action"] == text


@given(
    texts=st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20), min_size=1, max_size=4
    )
)
@settings(max_examples=30)
def test_any_text_comes_back_from_csv(server: Server, http: httpx.Client, texts: list[str]) -> None:
    """Commas, quotes and line breaks in cells: a reader of CSV gets each text again, but for the apostrophe."""
    recorder = Tenant(http, server.key).recorder
    made = [recorder.record(body=text) for text in texts]
    found = [row["body"] for row in rows(recorder)]
    assert [text.removeprefix("'") for text in found] == [one["body"].removeprefix("'") for one in made]
    assert not any(text.startswith(tuple("=+-@\t\r\n")) for text in found)


def test_csv_says_what_its_columns_are(shelf: Tenant) -> None:
    """The first row names the keys of an action; null is empty, true is true, a list is JSON, rows end with CR LF."""
    shelf.recorder.relate("/p", "/c")
    shelf.recorder.record(action="below", object="/c", user=None)
    text = exported(shelf.auditor, "action=below", "csv").text
    action = shelf.auditor.listed("action=below")[0]
    assert text.splitlines()[0].split(",") == list(action)
    assert text.endswith("\r\n")
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    assert (row["user"], row["is_user_action"], json.loads(row["parents"])) == ("", "true", ["/p"])


@pytest.mark.parametrize(
    ("form", "accept", "media"),
    [
        ("csv", "application/json", "text/csv; charset=utf-8; header=present"),
        ("ndjson", "text/csv", "application/x-ndjson"),
        ("json", "text/csv", "application/json"),
        (None, "text/csv", "text/csv; charset=utf-8; header=present"),
        (None, "application/x-ndjson", "application/x-ndjson"),
        (None, "*/*", "application/json"),
        (None, "text/html, */*;q=0.8", "application/json"),
    ],
)
def test_format_or_accept_choose_the_form(shelf: Tenant, form: str | None, accept: str, media: str) -> None:
    """`format` goes first; who says nothing gets JSON. A file has a name: whose, up to where, and of which kind."""
    query = "user=ann" if form is None else f"user=ann&format={form}"
    answer = shelf.auditor.get(f"/action/?{query}", headers={"accept": accept})
    assert (answer.status_code, answer.headers["content-type"]) == (200, media)
    ending = {"text/csv": "csv", "application/x-ndjson": "ndjson"}.get(media.partition(";")[0])
    name = None if ending is None else (
        f'attachment; filename="actions-{shelf.namespace}-{answer.headers["deedbook-position"]}.{ending}"'
    )  # fmt: skip
    assert answer.headers.get("content-disposition") == name


@pytest.mark.parametrize(
    ("name", "query"),
    [("format", "format=xml"), ("limit", "format=csv&limit=5"), ("offset", "format=csv&offset=5"),
     ("cursor", "format=ndjson&cursor=x"), ("colour", "format=csv&colour=red"), ("state", "format=csv&state=odd")],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(shelf: Tenant, name: str, query: str) -> None:
    """400 in JSON, with the parameter's name."""
    answer = shelf.auditor.get(f"/action/?{query}")
    assert (answer.status_code, name in answer.json()["error"]) == (400, True)
