"""A release that changes a view, on a store of an older one; and both on one store."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from tests.faults.ledger import wait_for
from tests.support.release import ALWAYS_APART, LOSES_A_DOCUMENT, held, newer, release
from tests.support.server import Server, deedbook, issue_key, serving


def record(server: Server, marker: str) -> None:
    """Record an action."""
    with server.client() as client:
        answer = client.post("/action/", json={"action": marker, "method": "GET", "path": "/", "state": "Success"})
        assert answer.status_code == 201, answer.text


def listed(server: Server) -> httpx.Response:
    """Ask for the list of the key's namespace."""
    with server.client() as client:
        return client.get("/acme/action/")


def lists(server: Server, *markers: str) -> bool:
    """Tell whether exactly these operations are listed, and that this is all that there are."""
    answer = listed(server)
    return (
        answer.status_code == 200
        and [one["action"] for one in answer.json()["objects"]] == list(markers)
        and "Deedbook-Lag" not in answer.headers
    )


def health(server: Server) -> httpx.Response:
    """Ask how a server is."""
    return httpx.get(f"{server.address}/health", timeout=30)


def generation(folder: Path) -> str:
    """Return the name of the generation that answers."""
    return max(folder.glob("views-*.db")).name


@contextmanager
def upgraded(server: Server, *differences: str, folder: Path) -> Iterator[Server]:
    """Give a server of another release on the store of one that is stopped first."""
    server.stop()
    with beside(server, *differences, folder=folder) as other:
        yield other


@contextmanager
def beside(server: Server, *differences: str, folder: Path, key: str | None = None) -> Iterator[Server]:
    """Give a server of another release on the same store."""
    other = Waited(server.url, key or server.key, PYTHONPATH=release(folder / "release", *differences))
    try:
        yield other
    finally:
        if other.process.poll() is None:
            other.kill()


class Waited(Server):
    """A server that is there when it answers at all, be it that it can't."""

    def start(self) -> None:
        """Start it, and return when it answers anything."""
        self._launch()
        wait_for(self._answers, "an answer")

    def _answers(self) -> bool:
        try:
            return health(self).status_code in (200, 503)
        except httpx.TransportError:
            assert self.process.poll() is None, self.printed()
            return False


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server of this release that listed one action."""
    with serving(tmp_path) as server:
        record(server, "old")
        assert lists(server, "old")
        yield server


def test_the_old_generation_answers_until_the_new_one_is_there(server: Server, tmp_path: Path) -> None:
    """At once, also when something was recorded that it can't show: then with its lag; `/health` says why."""
    before, go = generation(tmp_path), tmp_path / "go"
    with upgraded(server, newer(reads=True), ALWAYS_APART, held(go), folder=tmp_path) as upgrade:
        assert lists(upgrade, "old")
        record(upgrade, "new")
        begun = time.monotonic()
        answers = [listed(upgrade) for _ in range(20)]
        took = time.monotonic() - begun
        for answer in answers:
            assert answer.status_code == 200, answer.text
            assert [one["action"] for one in answer.json()["objects"]] == ["old"]
            assert int(answer.headers["Deedbook-Lag"]) >= 1
        # Twenty that waited for the two seconds of a view that is only behind would take forty.
        assert took < 20
        told = health(upgrade)
        assert (told.status_code, told.json()["views"]["failure"]) == (200, None)
        assert "older release" in told.json()["views"]["reason"]
        assert "older release" in told.json()["rebuild"]["because"]
        assert generation(tmp_path) == before
        go.touch()
        wait_for(lambda: lists(upgrade, "old", "new"), "the new generation")
        assert health(upgrade).json()["views"]["reason"] is None
        assert generation(tmp_path) > before
        record(upgrade, "more")
        assert lists(upgrade, "old", "new", "more")


def test_an_old_generation_that_can_t_be_read_is_waited_for(server: Server, tmp_path: Path) -> None:
    """As on a first start: 503, which says that the views are being built, while recording goes on."""
    go = tmp_path / "go"
    with upgraded(server, newer(reads=False), ALWAYS_APART, held(go), folder=tmp_path) as upgrade:
        record(upgrade, "new")
        answer = listed(upgrade)
        assert (answer.status_code, "being built" in answer.json()["error"]) == (503, True)
        assert health(upgrade).status_code == 503
        assert "older release" in health(upgrade).json()["rebuild"]["because"]
        go.touch()
        wait_for(lambda: lists(upgrade, "old", "new"), "the new generation")


def test_an_older_release_leaves_the_views_of_a_newer_one_alone(server: Server, tmp_path: Path) -> None:
    """It says so at once instead of answering, and builds none of its own, also when the newer one is gone.

    Two that took turns at building what the other can't use would never come to an end. Whoever goes back for good
    says so, with `deedbook rebuild`.
    """
    with upgraded(server, newer(reads=True), folder=tmp_path) as upgrade:
        wait_for(lambda: "older" not in str(health(upgrade).json()["views"]["reason"]), "its own views")
        record(upgrade, "new")
        assert lists(upgrade, "old", "new")
        kept = generation(tmp_path)
        older = Waited(server.url, server.key)
        try:
            waited = 0.0
            for _ in range(10):
                begun = time.monotonic()
                answer = listed(older)
                waited += time.monotonic() - begun
                assert (answer.status_code, "newer release" in answer.json()["error"]) == (503, True)
                record(older, "from the older")
                answer = listed(upgrade)
                assert (answer.status_code, "Deedbook-Lag" in answer.headers) == (200, False)
            # For views that are behind each would have waited two seconds.
            assert waited < 15
            assert listed(upgrade).json()["meta"]["total_count"] == 12
            upgrade.stop()
            wait_for(lambda: "newer release" in str(health(older).json()["views"]["failure"]), "the older to tell")
            assert generation(tmp_path) == kept
            assert deedbook(server.url, "rebuild").returncode == 0
            wait_for(lambda: listed(older).status_code == 200, "the older's own views")
            assert listed(older).json()["meta"]["total_count"] == 12
            upgrade.start()
            wait_for(lambda: "Deedbook-Lag" not in listed(upgrade).headers, "the newer")
            assert listed(upgrade).json()["meta"]["total_count"] == 12
        finally:
            older.kill()


#: What later releases added to the views of the first one, taken away again.
BACK_TO_THE_FIRST = """
    DROP INDEX terms_grown;
    ALTER TABLE terms DROP COLUMN counted;
    ALTER TABLE ancestry DROP COLUMN since;
    ALTER TABLE listed DROP COLUMN since;
    ALTER TABLE actions DROP COLUMN changed;
    ALTER TABLE actions DROP COLUMN sorted;
    DROP TABLE IF EXISTS past;
    DROP TABLE milestones;
    DROP TABLE term_milestones;
    DROP TABLE head;
    DROP TABLE versions;
    PRAGMA user_version = 1;
"""


def test_views_of_the_first_release_answer_until_there_are_others(server: Server, tmp_path: Path) -> None:
    """They have no table of versions; what they can't tell, such as the past, is a 503 until there are others."""
    go = tmp_path / "go"
    with server.client() as client:
        assert client.post("/relationship/", json={"parent": "/top/", "child": "/a/"}).status_code == 201
        made = client.post(
            "/action/", json={"action": "below", "method": "GET", "path": "/", "state": "Success", "object": "/a/"}
        ).json()
    assert lists(server, "old", "below")
    server.stop()
    path = tmp_path / generation(tmp_path)
    with closing(sqlite3.connect(path)) as db:
        db.executescript(BACK_TO_THE_FIRST)
    with (
        beside(server, ALWAYS_APART, held(go), folder=tmp_path) as upgrade,
        upgrade.client() as client,
    ):
        assert lists(upgrade, "old", "below")
        for query in ("uuid=" + made["uuid"], "object=/top/&include_related=true", "state=Success&action=below"):
            assert [one["action"] for one in client.get(f"/action/?{query}").json()["objects"]] == ["below"]
        assert client.get(f"/action/{made['uuid']}/").json() == made
        assert client.get("/relationship/?object=/a/").json()["above"][0]["parent"] == "/top/"
        past = client.get("/action/?as_of=3")
        assert (past.status_code, "being built" in past.json()["error"]) == (503, True)
        assert lists(upgrade, "old", "below")
        told = health(upgrade)
        assert (told.status_code, told.json()["views"]["head"]) == (200, None)
        record(upgrade, "new")
        assert listed(upgrade).headers["Deedbook-Lag"]
        assert generation(tmp_path) == path.name
        go.touch()
        wait_for(lambda: lists(upgrade, "old", "below", "new"), "the new generation")


def test_views_of_another_log_answer_nothing(server: Server, tmp_path: Path) -> None:
    """A log that is put in the place of another is not answered for by the views of that, not even for a moment."""
    go = tmp_path / "go"
    server.stop()
    for path in tmp_path.glob("log.db*"):
        path.unlink()
    key = issue_key(server.url)
    with beside(server, ALWAYS_APART, held(go), folder=tmp_path, key=key) as other:
        wait_for(lambda: health(other).json()["rebuild"] is not None, "the build")
        assert listed(other).status_code == 503
        assert "another log" in health(other).json()["rebuild"]["because"]
        go.touch()
        wait_for(lambda: lists(other), "its own views")
        record(other, "theirs")
        assert lists(other, "theirs")


def test_a_release_whose_views_are_not_sound_keeps_the_old_ones(server: Server, tmp_path: Path) -> None:
    """By the API, where everybody is told, and by the command line, where the exit status is 1."""
    before = generation(tmp_path)
    with upgraded(server, LOSES_A_DOCUMENT, folder=tmp_path) as unsound, unsound.client() as client:
        assert client.post("/admin/rebuild/").status_code == 202
        wait_for(lambda: client.get("/admin/rebuild/").json()["running"] is None, "the build")
        last = client.get("/admin/rebuild/").json()["last"]
        assert (last["outcome"], "each action has its document" in last["reason"]) == ("failed", True)
        assert health(unsound).json()["rebuild_failure"] == last["reason"]
        done = deedbook(server.url, "rebuild", PYTHONPATH=str(tmp_path / "release"))
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
        assert "each action has its document" in done.stderr
        assert lists(unsound, "old")
    assert generation(tmp_path) == before
    assert not list(tmp_path.glob("*.building*"))
