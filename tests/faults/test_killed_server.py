"""A server that is killed while it records: what it acknowledged is there, once, and nothing is half done."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from threading import Condition
from typing import Any
from uuid import UUID

import httpx
import pytest

from deedbook.domain.output import OutputLine
from deedbook.domain.store.sqlite.reading import SqliteLog
from tests.faults.ledger import Ledger, Request, connections, wait_for
from tests.support.server import Server, deedbook, serving
from tests.support.tables import rows

ROUNDS = 4

#: So many requests of each round are acknowledged before the server is killed.
ENOUGH = 300

#: Of 32 connections, so many record actions; the others append output, four to each of some actions.
RECORDING = 16

# In each state, on few objects, so that lanes and relationships are at work too.
STATES = ("Success", "Pending", "In progress", "Failed")


def recording(number: int) -> Callable[[str], Request]:
    """Return how a connection records actions."""

    def request(marker: str) -> Request:
        count = int(marker.partition("-")[0])
        body = {
            "action": marker, "method": "POST", "path": "/", "state": STATES[count % 4],
            "object": f"/{number % 4}/", "parents": ["/top/"],
        }  # fmt: skip
        return Request(marker, "/action/", body, f"key {marker}" if count % 2 else None)

    return request


def appending(action: str) -> Callable[[str], Request]:
    """Return how a connection appends to an action's output: two lines at once."""

    def request(marker: str) -> Request:
        count = int(marker.partition("-")[0])
        body = {"lines": [f"{marker} first", {"log": f"{marker} second", "timestamp": count}]}
        return Request(marker, f"/action/{action}/logs/", body, f"key {marker}" if count % 2 else None)

    return request


class Killed:
    """A server that was killed again and again, what its clients know, and what its store holds."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.ledger = Ledger()
        self.client = httpx.Client(
            base_url=server.api, auth=("me", server.key), timeout=60, limits=httpx.Limits(max_connections=32)
        )
        body = {"action": "writes", "method": "POST", "path": "/", "state": "In progress"}
        self.writing = [self.client.post("/action/", json=body).json()["uuid"] for _ in range(4)]

    def round(self) -> None:
        """Record from 32 connections, kill the server in the middle of it, start it again, and repeat what had keys."""
        kinds = [recording(number) for number in range(RECORDING)]
        kinds += [appending(self.writing[number % 4]) for number in range(32 - RECORDING)]
        before = len(self.ledger.acknowledged)
        with connections(self.client, self.ledger, kinds):
            wait_for(lambda: len(self.ledger.acknowledged) >= before + ENOUGH, "answers")
            self.server.kill()
        self.server.start()
        self.ledger.repeat(self.client)

    def log(self) -> SqliteLog:
        """Return the log as it is on disk."""
        return SqliteLog(self.folder / "log.db", Condition())

    def listed(self) -> list[dict[str, Any]]:
        """Return all actions, by way of the list."""
        found: list[dict[str, Any]] = []
        while True:
            page = self.client.get("/action/", params={"limit": 500, "offset": len(found)})
            assert page.status_code == 200, page.text
            found += page.json()["objects"]
            if not page.json()["meta"]["next"]:
                return found


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Killed]:
    """A store whose server was killed a few times in the middle of recording, and serves again."""
    folder = tmp_path_factory.mktemp("killed")
    with serving(folder) as server:
        killed = Killed(server, folder)
        with closing(killed.client):
            for _ in range(ROUNDS):
                killed.round()
            yield killed


def test_connections_were_cut_in_the_middle(killed: Killed) -> None:
    """The rounds were what they are meant to be: requests of both kinds were under way when the server died."""
    lost = [killed.ledger.sent[marker] for marker in killed.ledger.sent.keys() - killed.ledger.acknowledged.keys()]
    assert len(killed.ledger.acknowledged) >= ROUNDS * ENOUGH
    assert {request.path == "/action/" for request in lost} == {True, False}
    assert len(lost) >= ROUNDS


def test_no_acknowledged_action_is_missing_or_double(killed: Killed) -> None:
    """Each acknowledged action is there under the id that was answered; none, asked for once or again, is double."""
    recorded = {marker: one for marker, one in killed.ledger.sent.items() if one.path == "/action/"}
    listed = [one for one in killed.listed() if one["action"] in recorded]
    ids = {one["action"]: one["uuid"] for one in listed}
    assert Counter(one["action"] for one in listed).most_common(1)[0][1] == 1
    for marker in recorded.keys() & killed.ledger.acknowledged.keys():
        assert ids.get(marker) == killed.ledger.acknowledged[marker]["uuid"], marker


def test_no_acknowledged_line_is_missing_or_double(killed: Killed) -> None:
    """Each acknowledged append is whole, at the numbers that were answered; none is double, none is half there."""
    with closing(killed.log()) as log:
        outputs: dict[str, list[OutputLine]] = {one: list(log.output(UUID(one), 0, 100_000)) for one in killed.writing}
    there = Counter(line.text for lines in outputs.values() for line in lines)
    assert set(there.values()) == {1}
    appended = [one for one in killed.ledger.sent.values() if one.path != "/action/"]
    for request in appended:
        assert there[f"{request.marker} first"] == there[f"{request.marker} second"], "an append was torn"
        answer = killed.ledger.acknowledged.get(request.marker)
        if answer is not None:
            first = answer["first"]
            told = [line.text for line in outputs[request.path.split("/")[2]][first - 1 : first + 1]]
            assert told == [f"{request.marker} first", f"{request.marker} second"]
            assert answer["count"] == 2


def test_verify_finds_nothing(killed: Killed) -> None:
    """Positions, versions and leaves are whole after all that, and the command says so while the server runs."""
    done = deedbook(killed.server.url, "verify")
    assert done.returncode == 0, done.stderr
    assert "findings: 0" in done.stdout


def test_views_are_what_a_rebuild_gives(killed: Killed) -> None:
    """What the server showed after all that is what the log says, row for row."""
    before = killed.listed()
    killed.server.stop()
    (live,) = killed.folder.glob("views-*.db")
    live_rows = rows_of(live)
    done = deedbook(killed.server.url, "rebuild")
    assert done.returncode == 0, done.stderr
    built = max(killed.folder.glob("views-*.db"))
    assert built != live
    assert rows_of(built) == live_rows
    killed.server.start()
    assert killed.listed() == before


def rows_of(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return all that is in a file of views."""
    with closing(sqlite3.connect(path)) as connection:
        return rows(connection)
