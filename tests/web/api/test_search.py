"""Free text: `q` looks in operation, object, user, agent and address, whatever else is asked."""

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.server import Server
from tests.web.api.callers import Caller, Json, Tenant

#: Actions by their operation.
ACTIONS: dict[str, Json] = {
    "Service Deploy": {"user": "ann", "object": "/service/web-1/", "user_agent": "curl/8.5", "ip": "10.0.0.1"},
    "Service Scale": {"user": "Bob", "object": "/service/WEB-2/", "user_agent": "docker-cloud/1.0.9", "ip": None},
    "Container Stop": {"user": None, "object": "", "user_agent": None, "ip": "2001:db8::1", "state": "Failed"},
    "Straße sperren": {"user": "Zoë", "object": "/köln/", "user_agent": "100%_sicher", "ip": "10.0.0.12"},
}
WORDS = ["service", "SERVICE", "web", "ann", "b", "0", "10.0.0.1", "STRASSE", "ß", "ÖLN", "zoë", "%", "_", "100%_",
         "nobody", "/", "2001:DB8", "stop", "curl", "'", '"', "*", "docker-cloud/1.0"]  # fmt: skip


@pytest.fixture(scope="module")
def shelf(server: Server, http: httpx.Client) -> Tenant:
    """The actions; and in another namespace as many of the same kind."""
    tenants = [Tenant(http, server.key) for _ in range(2)]
    for tenant in tenants:
        tenant.recorder.batch(*({"action": name, **fields} for name, fields in ACTIONS.items()))
    return tenants[0]


def names(caller: Caller, query: str | Json) -> list[str]:
    """Return the operations that a query finds, and check that it counts them."""
    page = caller.page(query)
    assert page["meta"]["total_count"] == len(page["objects"])
    assert "total_is_exact" not in page["meta"]
    return [action["action"].split()[1] for action in page["objects"]]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("service", "Deploy Scale"),
        ("Web-2", "Scale"),
        ("10.0.0.1", "Deploy sperren"),
        ("strasse", "sperren"),
        ("köln ZOË", "sperren"),
        ("curl service ann", "Deploy"),
        ("curl Bob", ""),
        ("%", "sperren"),
        ("  deploy   ", "Deploy"),
    ],
)
def test_each_word_is_somewhere_in_any_case(shelf: Tenant, words: str, found: str) -> None:
    """Several words must all be found, each in any of the five; nothing in them has another meaning."""
    assert names(shelf.auditor, {"q": words}) == found.split()


@given(words=st.lists(st.sampled_from(WORDS), min_size=1, max_size=3), state=st.sampled_from(["", "Failed", "Success"]))
@settings(max_examples=60)
def test_any_words_agree_with_a_naive_search(shelf: Tenant, words: list[str], state: str) -> None:
    """With another filter or without: what a search through the whole list finds."""
    fields = ("action", "object", "user", "user_agent", "ip")
    left = [
        action["action"].split()[1]
        for action in shelf.auditor.listed()
        if state in ("", action["state"])
        and all(any(word.casefold() in (action[name] or "").casefold() for name in fields) for word in words)
    ]
    assert names(shelf.auditor, {"q": " ".join(words)} | ({"state": state} if state else {})) == left


def test_the_past_is_searched_too(recorder: Caller) -> None:
    """As of a position: what is found is what was there."""
    early = recorder.post("/action/", {"action": "Early Bird", "method": "GET", "path": "/", "state": "Success"})
    recorder.record(action="Late Bird")
    assert len(recorder.listed("q=bird")) == 2
    then = recorder.listed(f"q=bird&as_of={early.headers['deedbook-position']}")
    assert [action["action"] for action in then] == ["Early Bird"]


@pytest.mark.parametrize("query", ["q=", "q=+++", "q=a&q=b", "q=" + "x" * 513, "q=" + "+".join("abcdefghijklmnopq")])
def test_what_can_not_be_looked_for_is_refused(shelf: Tenant, query: str) -> None:
    """No word, two texts, or too much of it: 400, and the sentence names q."""
    answer = shelf.auditor.get(f"/action/?{query}")
    assert (answer.status_code, "q" in answer.json()["error"].split()) == (400, True)
