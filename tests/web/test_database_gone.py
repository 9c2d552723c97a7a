"""A node whose database is gone: it says so, says when to come back, and never says that what is there is not."""

from collections.abc import Iterator

import httpx
import pytest

from tests.support.postgres import own_server
from tests.support.server import Server

#: What can be asked of an action that is there, and can't be done without the database.
ASKED = {
    "cancel": ("POST", "cancel/", None),
    "finish": ("POST", "finish/", {"state": "Success"}),
    "append": ("POST", "logs/", {"lines": ["one"]}),
    "read its output": ("GET", "logs/", None),
    "read its history": ("GET", "history/", None),
}


@pytest.fixture(scope="module")
def gone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[httpx.Client, str]]:
    """A node whose database has stopped, and an action that it recorded before."""
    with own_server() as database:
        node = Server(database.database(), DEEDBOOK_VIEWS=str(tmp_path_factory.mktemp("views")))
        try:
            with node.client() as client:
                body = {"action": "there", "method": "POST", "path": "/", "state": "In progress"}
                recorded = client.post("/action/", json=body).json()["uuid"]
                assert client.get("/action/").json()["meta"]["total_count"] == 2
                database.stop()
                yield client, recorded
        finally:
            node.kill()


@pytest.mark.parametrize("what", ASKED)
def test_what_needs_the_database_is_answered_503(gone: tuple[httpx.Client, str], what: str) -> None:
    """It can't be done now, and may be asked again in a second; that there is no such action would be a lie."""
    client, action = gone
    method, path, body = ASKED[what]
    answer = client.request(method, f"/action/{action}/{path}", json=body)
    assert (answer.status_code, answer.headers.get("retry-after")) == (503, "1"), answer.text


def test_recording_is_answered_503(gone: tuple[httpx.Client, str]) -> None:
    """Nothing is recorded, and whoever sent it is told when to come back."""
    client, _ = gone
    body = {"action": "new", "method": "POST", "path": "/", "state": "Success"}
    answer = client.post("/action/", json=body)
    assert (answer.status_code, answer.headers.get("retry-after")) == (503, "1"), answer.text


def test_lists_go_on_and_say_how_old_they_are(gone: tuple[httpx.Client, str]) -> None:
    """Views are of this machine: what they have is answered, with the seconds since the last event in it."""
    client, action = gone
    answer = client.get("/action/", params={"uuid": action})
    assert [one["uuid"] for one in answer.json()["objects"]] == [action]
    assert int(answer.headers["deedbook-lag"]) >= 1


def test_a_position_that_is_enough_needs_no_database(gone: tuple[httpx.Client, str]) -> None:
    """Who sends back the position of an answer gets what it told of, whole: the log is not asked, so nothing is old."""
    client, action = gone
    before = client.get("/action/", params={"uuid": action})
    answer = client.get("/action/", headers={"Deedbook-Position": before.headers["deedbook-position"]})
    assert (answer.status_code, "deedbook-lag" in answer.headers) == (200, False)


def test_signing_in_is_told_to_come_back(gone: tuple[httpx.Client, str]) -> None:
    """Whether a key that is not known here is good can't be found out: a page says so, with Retry-After."""
    client, _ = gone
    form = {"user": "new", "key": "issued elsewhere"}
    answer = client.post(client.base_url.join("/sign-in"), data=form)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert "can&#39;t be reached now" in answer.text


@pytest.mark.parametrize(("of", "status"), [("", 503), ("?of=all", 503), ("?of=reads", 200), ("?of=live", 200)])
def test_health_tells_probes_apart(gone: tuple[httpx.Client, str], of: str, status: int) -> None:
    """It can't record; but it lives, and answers reads: no reason to restart it, or to send readers elsewhere."""
    client, _ = gone
    answer = client.get(f"{client.base_url.copy_with(path='/health')}{of}")
    assert (answer.status_code, answer.json()["ready"]) == (status, False)


def test_what_health_knows_nothing_of_is_a_400(gone: tuple[httpx.Client, str]) -> None:
    """A probe with a typing error says so, rather than that all is well."""
    client, _ = gone
    answer = client.get(f"{client.base_url.copy_with(path='/health')}?of=read")
    assert (answer.status_code, answer.json()) == (400, {"error": "of is live, reads or all, not 'read'."})
