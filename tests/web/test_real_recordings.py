"""Recordings of real systems, loaded as a user would: the list then holds what was recorded."""

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.server import Server, deedbook, serving

DATA = Path(os.environ.get("DEEDBOOK_SHARED", Path(__file__).parents[2].parent / "shared")) / "data"

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"the real recordings are not at {DATA}")


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on a store that all recordings were loaded into, twice, while it ran."""
    with serving(tmp_path_factory.mktemp("recordings")) as server:
        for namespace, pattern in FILES.items():
            files = [str(path) for path in sorted(DATA.glob(pattern))]
            for _ in range(2):
                assert deedbook(server.url, "load", "--namespace", namespace, *files).returncode == 0
        yield server


FILES = {
    "aws": "cloudtrail/account-*",
    "attacks": "cloudtrail/attacks.ndjson",
    "lookups": "cloudtrail/lookup-events.jsonl",
    "a": "kubernetes/cluster-a.jsonl.gz",
    "b": "kubernetes/cluster-b.jsonl",
    "old": "kubernetes/cluster-2017.jsonl",
}


@pytest.mark.parametrize(
    ("namespace", "filters", "expected"),
    [
        ("aws", {}, 1448),
        ("aws", {"state": "Failed"}, 168),
        ("aws", {"is_user_action": "true"}, 1205),
        ("attacks", {}, 142),
        ("attacks", {"state": "Failed"}, 34),
        ("lookups", {}, 6),
        ("a", {}, 1111),
        ("a", {"state": "Failed"}, 29),
        ("a", {"is_user_action": "true"}, 18),
        ("a", {"state": "In progress"}, 48),
        ("b", {}, 70),
        ("b", {"state": "Failed"}, 5),
        ("b", {"is_user_action": "true"}, 23),
        ("b", {"state": "In progress"}, 1),
        ("old", {}, 37),
        ("old", {"state": "Failed"}, 11),
    ],
)
def test_the_list_counts_what_was_recorded(
    loaded: Server, namespace: str, filters: dict[str, str], expected: int
) -> None:
    """Each recording gives as many actions as it holds requests, however often it is loaded."""
    with loaded.client() as client:
        assert total(client, namespace, **filters) == expected


def test_everything_in_an_account_is_related_to_it(loaded: Server) -> None:
    """Each action that has an object stands below its account."""
    with loaded.client() as client:
        page = client.get("/aws/action/", params={"limit": 500}).json()["objects"]
        account = next(one["parents"][-1] for one in page if one["object"])
        assert total(client, "aws", object=account, include_related="true") == 1448 - 593


def total(client: httpx.Client, namespace: str, **filters: str) -> int:
    """Return how many actions of a namespace match."""
    answer = client.get(f"/{namespace}/action/", params={**filters, "limit": "1"})
    assert answer.status_code == 200, answer.text
    return int(answer.json()["meta"]["total_count"])
