"""The filters of the list: each one, several together, and those that make no sense."""

from typing import NamedTuple

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.server import Server
from tests.web.api.callers import Caller, Json, Tenant

#: Actions by name: "1s" and so on, the letter for the state.
ACTIONS: dict[str, Json] = {
    "1s": {
        "user": "ann",
        "method": "POST",
        "ip": "10.0.0.1",
        "object": "/o/1",
        "state": "Success",
        "user_agent": "curl/8.5",
    },
    "2f": {"user": "ann", "method": "PATCH", "ip": "10.0.0.2", "object": "/o/1", "state": "Failed"},
    "3s": {
        "user": "bob",
        "method": "POST",
        "ip": "10.0.0.1",
        "object": "/o/2",
        "is_user_action": False,
        "user_agent": "Go/1.22 (ÄÖ)",
    },
    "4s": {"user": None, "method": "DELETE", "ip": None, "object": "", "state": "Success", "user_agent": None},
    "5i": {"user": "Ann", "method": "post", "ip": "2001:db8::1", "object": "/o/5", "state": "In progress"},
    "6p": {"user": "bob", "method": "GET", "ip": "10.0.0.2", "object": "/o/5", "state": "Pending"},
    "7c": {"user": "eve", "method": "POST", "ip": "10.0.0.3", "object": "/o/7", "state": "In progress"},
    "8x": {"user": "eve", "method": "PUT", "ip": "10.0.0.3", "object": "/o/7", "state": "Pending"},
}
STATES = {
    "Success": "1s 3s 4s",
    "Failed": "2f",
    "In progress": "5i",
    "Pending": "6p",
    "Canceling": "7c",
    "Canceled": "8x",
}


class Shelf(NamedTuple):
    """A namespace with `ACTIONS`; `ids` by name."""

    caller: Caller
    ids: dict[str, str]

    def names(self, query: str | Json) -> str:
        """Return the names of those that a query finds, in order, and check that it counts them."""
        page = self.caller.page(query)
        assert page["meta"]["total_count"] == len(page["objects"])
        return " ".join(action["action"] for action in page["objects"])


@pytest.fixture(scope="module")
def shelf(server: Server, http: httpx.Client) -> Shelf:
    """The actions, each in its state."""
    tenant = Tenant(http, server.key)
    made = tenant.recorder.batch(*({"action": name, **fields} for name, fields in ACTIONS.items()))
    for action in made:
        if action["action"] in ("7c", "8x"):
            tenant.operator.act(action, "cancel")
    return Shelf(tenant.auditor, {action["action"]: action["uuid"] for action in made})


@pytest.mark.parametrize(("state", "names"), STATES.items())
def test_state(shelf: Shelf, state: str, names: str) -> None:
    """Each of the six finds what is in it now."""
    assert shelf.names({"state": state}) == names


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("user=ann", "1s 2f"),
        ("user=Ann", "5i"),
        ("user=an", ""),
        ("user=ann&user=eve", "1s 2f 7c 8x"),
        ("user=ann&user=ann", "1s 2f"),
        ("action=3s", "3s"),
        ("action=3s&action=6p", "3s 6p"),
        ("action=3", ""),
        ("method=POST", "1s 3s 7c"),
        ("method=post", "5i"),
        ("method=POST&method=PUT", "1s 3s 7c 8x"),
        ("ip=10.0.0.1", "1s 3s"),
        ("ip=10.0.0.1&ip=2001:db8::1", "1s 3s 5i"),
        ("ip=10.0.0", ""),
        ("is_user_action=true", "1s 2f 4s 5i 6p 7c 8x"),
        ("is_user_action=false", "3s"),
        ("object=/o/1", "1s 2f"),
        ("object=%2Fo%2F1", "1s 2f"),
        ("object=/o", ""),
        ("state=Failed&state=Pending", "2f 6p"),
        ("state=In+progress&state=In%20progress", "5i"),
    ],
)
def test_a_filter_of_equality_finds_exactly_what_has_the_value(shelf: Shelf, query: str, names: str) -> None:
    """Exact, in its case, and with any of several values where it is repeated."""
    assert shelf.names(query) == names


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("user=ann&state=Failed", "2f"),
        ("user=ann&user=bob&method=POST", "1s 3s"),
        ("object=/o/1&ip=10.0.0.1", "1s"),
        ("object=/o/5&state=Pending&user=bob&method=GET&ip=10.0.0.2&is_user_action=true&action=6p", "6p"),
        ("user=ann&user=eve&ip=10.0.0.3&ip=10.0.0.1&state=Success&state=Canceled", "1s 8x"),
        ("user=bob&object=/o/1", ""),
        ("user_agent=curl/8.5&user_agent=Go/1.22+(ÄÖ)", "1s 3s"),
        ("user_agent=curl", ""),
        ("user=nobody&state=Success", ""),
    ],
)
def test_filters_combine_with_and(shelf: Shelf, query: str, names: str) -> None:
    """The values of one with OR, the filters with AND."""
    assert shelf.names(query) == names


_VALUES = {
    "user": ["ann", "bob", "eve", "nobody"],
    "method": ["POST", "GET", "PUT"],
    "ip": ["10.0.0.1", "10.0.0.2", "10.0.0.3"],
    "user_agent": ["curl/8.5", "Go/1.22 (ÄÖ)", "curl"],
    "state": list(STATES),
    "action": list(ACTIONS),
    "object": ["/o/1", "/o/5", "/o/7"],
}


@given(
    st.fixed_dictionaries(
        {},
        optional={
            name: st.lists(st.sampled_from(values), min_size=1, max_size=1 if name == "object" else 3)
            for name, values in _VALUES.items()
        },
    )
)
@settings(max_examples=60)
def test_any_filters_agree_with_those_in_memory(shelf: Shelf, filters: dict[str, list[str]]) -> None:
    """Whatever filters are combined, the list holds what a naive filter leaves of the whole list."""
    everything = shelf.caller.listed()
    left = [
        action["action"] for action in everything if all(action[name] in values for name, values in filters.items())
    ]
    assert shelf.names(filters) == " ".join(left)


def test_uuid(shelf: Shelf) -> None:
    """An id finds its action, in either case; an id of no action finds none."""
    one = shelf.ids["3s"]
    assert shelf.names(f"uuid={one}") == shelf.names(f"uuid={one.upper()}") == "3s"
    assert shelf.names("uuid=00000000-0000-4000-8000-000000000000") == ""
    assert shelf.names(f"uuid={one}&user=bob") == "3s"
    assert shelf.names(f"uuid={one}&user=ann") == ""


@pytest.mark.parametrize("length", [6, 8, 9, 12, 36])
def test_uuid_startswith(shelf: Shelf, length: int) -> None:
    """The beginning of an id finds its action, as short as the command line shows it or whole."""
    for name, one in shelf.ids.items():
        assert name in shelf.names(f"uuid__startswith={one[:length]}").split()
        assert name in shelf.names(f"uuid__startswith={one[:length].upper()}").split()
    assert shelf.names(f"uuid__startswith={shelf.ids['1s']}&user=bob") == ""


def test_uuid_startswith_finds_all_that_begin_so(recorder: Caller) -> None:
    """And no other."""
    made = recorder.batch(*[{}] * 60)
    for digit in "0123456789abcdef":
        found = {action["uuid"] for action in recorder.listed(f"uuid__startswith={digit}&limit=100")}
        assert found == {action["uuid"] for action in made if action["uuid"].startswith(digit)}


@pytest.mark.parametrize("true", ["true", "True", "TRUE", "tRuE"])
def test_include_related_is_read_in_any_case(shelf: Shelf, true: str) -> None:
    """As the Python SDK writes it, too; and so is false."""
    assert shelf.names(f"object=/o/1&include_related={true}") == "1s 2f"
    assert shelf.names("object=/o/1&include_related=False") == "1s 2f"


_WRONG = [
    ("state", "state=running"),
    ("state", "state=success"),
    ("state", "state="),
    ("state", "state=Success&state=nonsense"),
    ("uuid", "uuid=6246c5"),
    ("uuid", "uuid="),
    ("uuid", "uuid=zzzzzzzz-0000-4000-8000-000000000000"),
    ("uuid__startswith", "uuid__startswith=xyz"),
    ("uuid__startswith", "uuid__startswith="),
    ("uuid__startswith", "uuid__startswith=%25"),
    ("is_user_action", "is_user_action=yes"),
    ("is_user_action", "is_user_action="),
    ("include_related", "object=/o/1&include_related=maybe"),
    ("include_related", "object=/o/1&include_related="),
    ("object", "include_related=true"),
    ("object", "include_related=false"),
    ("order_by", "order_by=created"),
    ("order_by", "order_by=-state"),
    ("order_by", "order_by="),
    ("foo", "foo=bar"),
    ("user__startswith", "user__startswith=a"),
    ("State", "State=Success"),
    ("namespace", "namespace=acme"),
    ("body", "body=x"),
]


@pytest.mark.parametrize(("name", "query"), _WRONG)
def test_what_makes_no_sense_is_refused_and_named(shelf: Shelf, name: str, query: str) -> None:
    """An unknown filter, or a value that can't be one: 400, with the parameter's name."""
    answer = shelf.caller.get(f"/action/?{query}")
    assert answer.status_code == 400
    assert name in answer.json()["error"].partition(";")[0]
