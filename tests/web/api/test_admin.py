"""Rebuilding the views, for admins: begun, followed to its end, and no more than one at a time."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from tests.faults.ledger import wait_for
from tests.support.release import held, release
from tests.support.server import serving
from tests.web.api.callers import Caller, Json, Tenant, document
from tests.web.api.conformance import asking

PATH = "/admin/rebuild/"


def told(admin: Caller) -> Json:
    """Return what is told of rebuilds."""
    return document(admin.get(PATH))


def is_idle(admin: Caller) -> bool:
    """Tell whether none runs."""
    return told(admin)["running"] is None


def rebuild(admin: Caller, path: str = PATH, **how: object) -> Json:
    """Begin a rebuild when none runs, wait for its end, and return what is told of it."""
    wait_for(lambda: is_idle(admin), "the rebuild before")
    answer = admin.post(path, **how)
    assert answer.status_code == 202, answer.text
    wait_for(lambda: is_idle(admin), "the rebuild")
    last = told(admin)["last"]
    assert isinstance(last, dict)
    return last


def test_a_rebuild_is_followed_to_its_end(admin: Caller) -> None:
    """Who asked for it, when, how far it came, and that all is well; and what was recorded is listed as before."""
    made = admin.record()
    before = datetime.now(UTC).replace(microsecond=0)
    last = rebuild(admin)
    assert (last["outcome"], last["reason"], admin.user in last["because"]) == ("done", None, True)
    assert last["done"] > 0
    assert before <= parsedate_to_datetime(last["started"]) <= parsedate_to_datetime(last["ended"])
    assert admin.fetch(made) == made
    assert rebuild(admin)["generation"] > last["generation"]


@pytest.mark.parametrize(
    "how",
    [{}, {"content": ""}, {"json": {}}, {"content": "anything", "headers": {"content-type": "text/plain"}}],
    ids=str,
)
def test_it_takes_whatever_body_comes(admin: Caller, how: Json) -> None:
    """None is needed, and some clients send one with each request."""
    assert rebuild(admin, **how)["outcome"] == "done"


def test_it_is_there_in_every_form_of_a_path(tenant: Tenant, admin: Caller) -> None:
    """With a namespace and without the slash; it is the same one, since views are of the whole store."""
    last = rebuild(admin, f"/{tenant.namespace}/admin/rebuild")
    assert document(admin.get("/admin/rebuild"))["last"] == last
    assert document(admin.get(f"/{tenant.namespace}/admin/rebuild/"))["last"] == last


def test_it_takes_no_idempotency_key(admin: Caller) -> None:
    """It is refused rather than ignored."""
    answer = admin.post(PATH, headers={"idempotency-key": "k"})
    assert (answer.status_code, "Idempotency-Key" in answer.json()["error"]) == (400, True)


def test_a_body_out_of_bounds_begins_nothing(admin: Caller) -> None:
    """As on any other path."""
    wait_for(lambda: is_idle(admin), "the rebuild before")
    before = told(admin)
    assert admin.post(PATH, content=b"x" * (256 * 1024 + 1)).status_code == 413
    assert told(admin) == before


def test_what_runs_is_told_and_keeps_others_out(tmp_path: Path) -> None:
    """With its phase, process, and figures; on `/health` too. Of many that ask, however close, one begins it."""
    go = tmp_path / "go"
    go.touch()
    with (
        serving(tmp_path, PYTHONPATH=release(tmp_path / "release", held(go))) as server,
        asking(server) as client,
    ):
        admin = Tenant(client, server.key).admin
        for _ in range(3):
            admin.record()
        go.unlink()
        with ThreadPoolExecutor(8) as pool:
            begun, *refused = sorted(pool.map(lambda _: admin.post(PATH), range(8)), key=lambda one: one.status_code)
        assert (begun.status_code, document(begun)["running"]["phase"]) == (202, "starting")
        assert [one.status_code for one in refused] == 7 * [409]
        wait_for(lambda: told(admin)["running"]["phase"] == "indexing", "the middle of the build")
        running = told(admin)["running"]
        assert running["pid"] != server.process.pid
        assert running["done"] == running["of"] == int(admin.get("/action/").headers["deedbook-position"])
        assert running["seconds_left"] is None
        assert admin.user in running["because"]
        health = client.get(f"{server.address}/health").json()["rebuild"]
        assert {**health, "seconds": 0} == {**running, "seconds": 0}
        second = admin.post(PATH)
        assert (second.status_code, "wait until" in second.json()["error"]) == (409, True)
        assert told(admin)["running"]["pid"] == running["pid"]
        go.touch()
        wait_for(lambda: is_idle(admin), "the build")
        assert client.get(f"{server.address}/health").json()["rebuild"] is None
