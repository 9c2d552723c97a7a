"""The head of the log, where an operator sees it: `deedbook status`, `/health` and `verify --head`."""

import json
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from deedbook.domain.merkle import Frontier, TreeHead, grow
from deedbook.domain.store.sqlite import SqliteStore
from tests.contract.giving import recorded, recording
from tests.faults.ledger import wait_for
from tests.support.server import Server, deedbook, serving

BODY = {"action": "a", "method": "GET", "path": "/", "state": "Success"}


def of_log(folder: Path) -> str:
    """Return the head, worked out from the leaves as they are stored."""
    with closing(SqliteStore(folder / "log.db")) as store:
        return str(grow(Frontier(), [event.leaf for event in store.log.stored(0, 10**6)]).head)


def of_status(url: str) -> str:
    """Return the head that `status` prints."""
    told = deedbook(url, "status")
    assert told.returncode == 0, told.stderr
    (line,) = [line for line in told.stdout.splitlines() if line.startswith("head ")]
    return line.split()[1]


def health(server: Server) -> dict[str, object]:
    """Return what `/health` says of the views."""
    views: dict[str, object] = httpx.get(f"{server.address}/health").json()["views"]
    return views


def test_health_has_the_head_of_what_the_views_have_read(tmp_path: Path) -> None:
    """It follows what is recorded, and is the root over all leaves up to the views' position."""
    with serving(tmp_path) as server, server.client() as client:
        for count in range(1, 6):
            assert client.post("/action/", json=BODY).status_code == 201
            wait_for(lambda: health(server)["behind"] == 0, "the views")
            assert health(server)["head"] == of_log(tmp_path) == of_status(server.url)
            assert str(health(server)["head"]).startswith(f"{count + 1}:")


def test_status_has_the_head_of_the_whole_log_without_a_server(tmp_path: Path) -> None:
    """With no views, with views that are behind, with views that somebody spoilt, and with none again."""
    url = f"sqlite:///{tmp_path}/log.db"

    def record() -> None:
        with closing(SqliteStore(tmp_path / "log.db")) as store:
            recorded(store, recording())

    record()
    assert of_status(url) == of_log(tmp_path)
    assert deedbook(url, "rebuild").returncode == 0
    record()
    assert of_status(url) == of_log(tmp_path)
    (views,) = tmp_path.glob("views-*.db")
    views.write_text("no database at all")
    assert of_status(url) == of_log(tmp_path)
    # Whoever meets a spoilt file takes it out of the way.
    views.unlink(missing_ok=True)
    assert of_status(url) == of_log(tmp_path)


def test_views_of_another_log_say_nothing_of_this_ones_head(tmp_path: Path) -> None:
    """Where the log was replaced beside its views, the head is worked out from the new one alone."""
    url = f"sqlite:///{tmp_path}/log.db"

    def record() -> None:
        with closing(SqliteStore(tmp_path / "log.db")) as store:
            recorded(store, recording())

    record()
    assert deedbook(url, "rebuild").returncode == 0
    old = of_log(tmp_path)
    (tmp_path / "log.db").unlink()
    record()
    assert of_status(url) == of_log(tmp_path) != old


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A store with three events."""
    with closing(SqliteStore(tmp_path / "log.db")) as store:
        for _ in range(3):
            recorded(store, recording())
    return f"sqlite:///{tmp_path}/log.db"


def test_verify_holds_the_log_against_a_head(url: str, tmp_path: Path) -> None:
    """Each head that the log ever had is one; another root, or a greater size, is a finding and status 1."""
    with closing(SqliteStore(tmp_path / "log.db")) as store:
        leaves = [event.leaf for event in store.log.stored(0, 10)]
    for size in range(4):
        head = grow(Frontier(), leaves[:size]).head
        assert deedbook(url, "verify", "--head", str(head)).returncode == 0
        other = deedbook(url, "verify", "--head", str(TreeHead(size, bytes(32))))
        assert (other.returncode, "head: the root over" in other.stdout) == (1, True)
    longer = deedbook(url, "verify", "--head", str(TreeHead(4, bytes(32))))
    assert longer.returncode == 1
    assert "tail: the log has 3 events, and had 4 when its head was noted" in longer.stdout


@pytest.mark.parametrize("head", ["", "3", "3:", "x:00", "3:00"])
def test_what_is_no_head_is_told(url: str, head: str) -> None:
    """One line that says how a head looks, and status 2: nothing was checked."""
    told = deedbook(url, "verify", "--head", head)
    assert (told.returncode, told.stdout) == (2, "")
    assert "SIZE:ROOT" in told.stderr
    assert len(told.stderr.splitlines()) == 1


def test_verify_reports_as_json(url: str, tmp_path: Path) -> None:
    """One object: what was checked, the head, and each finding with position, code and sentence."""
    told = deedbook(url, "verify", "--json")
    assert told.returncode == 0
    assert json.loads(told.stdout) == {
        "events": 3, "lines": 0, "head": of_log(tmp_path), "findings": [],
        "views": {"file": None, "position": None, "what": "none that can be compared; a server builds them"},
    }  # fmt: skip
    noted = deedbook(url, "verify", "--json", "--head", str(TreeHead(2, bytes(32))))
    assert noted.returncode == 1
    (finding,) = json.loads(noted.stdout)["findings"]
    assert (finding["position"], finding["code"]) == (2, "head")
    assert finding["what"].startswith("the root over the first 2 events is ")
