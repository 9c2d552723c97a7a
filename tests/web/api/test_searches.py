"""Saved searches: filters that a namespace keeps under a name, for all who read there."""

import pytest

from tests.web.api.callers import Caller, Json, Tenant


def saved(caller: Caller) -> list[Json]:
    """Return what is saved."""
    answer = caller.get("/search/")
    assert answer.status_code == 200, answer.text
    return list(answer.json()["objects"])


def test_a_search_is_there_for_all_of_its_namespace(tenant: Tenant, other: Tenant) -> None:
    """Saved by an auditor, seen by an operator, with who and when; in another namespace it is not."""
    answer = tenant.auditor.post("/search/", {"name": "Größte ☃", "query": "?state=Failed&q=deploy+web"})
    assert (answer.status_code, answer.json()) == (
        201, {"namespace": tenant.namespace, "name": "Größte ☃", "query": "state=Failed&q=deploy+web"}
    )  # fmt: skip
    (one,) = saved(tenant.operator)
    assert (one["name"], one["query"], one["user"]) == ("Größte ☃", "state=Failed&q=deploy+web", "anna")
    assert one["saved"].endswith("+0000")
    assert saved(other.auditor) == []


def test_the_same_name_replaces_and_a_deleted_one_is_gone(tenant: Tenant) -> None:
    """201, 200; then 200 and 404."""
    statuses = [
        tenant.recorder.post("/search/", {"name": "mine", "query": query}).status_code for query in ("", "user=ann")
    ]
    assert (statuses, [one["query"] for one in saved(tenant.auditor)]) == ([201, 200], ["user=ann"])
    deleted = [tenant.auditor.delete("/search/", params={"name": "mine"}).status_code for _ in range(2)]
    assert (deleted, saved(tenant.auditor)) == ([200, 404], [])


def test_what_is_saved_finds_what_it_says(tenant: Tenant) -> None:
    """The query, handed to the list, is taken as it is."""
    tenant.recorder.batch({"action": "a", "state": "Failed"}, {"action": "b"})
    tenant.auditor.post("/search/", {"name": "failed", "query": "state=Failed&order_by=-start_date"})
    (one,) = saved(tenant.auditor)
    assert [action["action"] for action in tenant.auditor.listed(one["query"])] == ["a"]


def test_nobody_is_told_of_it_as_of_an_action(tenant: Tenant) -> None:
    """It is an event of the log, but of no action and no relationship."""
    tenant.auditor.post("/search/", {"name": "mine", "query": ""})
    assert tenant.auditor.get("/event/").json()["objects"] == []


@pytest.mark.parametrize(
    ("word", "body"),
    [
        ("colour", {"name": "a", "query": "colour=red"}),
        ("state", {"name": "a", "query": "state=odd"}),
        ("limit", {"name": "a", "query": "limit=5"}),
        ("cursor", {"name": "a", "query": "cursor=x"}),
        ("as_of", {"name": "a", "query": "as_of=999999999"}),
        ("name", {"name": "", "query": ""}),
        ("name", {"name": " a", "query": ""}),
        ("name", {"name": "x" * 101, "query": ""}),
        ("query", {"name": "a", "query": "x" * 4097}),
        ("query", {"name": "a"}),
        ("colour", {"name": "a", "query": "", "colour": "red"}),
    ],
)
def test_what_the_list_would_not_take_is_not_saved(tenant: Tenant, word: str, body: Json) -> None:
    """400, with the word that is wrong."""
    answer = tenant.auditor.post("/search/", body)
    assert (answer.status_code, word in answer.json()["error"]) == (400, True), answer.text
    assert saved(tenant.auditor) == []


@pytest.mark.parametrize("path", ["/search/?x=1", "/search/"])
def test_a_deletion_names_one(tenant: Tenant, path: str) -> None:
    """Anything else is a 400."""
    assert tenant.auditor.delete(path).status_code == 400
