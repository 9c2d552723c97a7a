"""The command line: what it prints, what it returns, and what it says of bad input."""

import gzip
import json
import sqlite3
import subprocess
import sys
from io import StringIO
from pathlib import Path
from uuid import uuid4

import pytest
from rich.console import Console

from deedbook.web.opening import open_store
from deedbook.web.quickstart import prepare
from deedbook.web.settings import Settings
from deedbook.web.upkeep import rebuild_views
from tests.support.server import Server, deedbook, issue_key, serving

DATE = "2014-09-17T08:26:22Z"
ACTION = {
    "action": "Stack Deploy",
    "method": "POST",
    "path": "/x/",
    "state": "Success",
    "created": "2014-09-17T08:26:22Z",
}


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A store that is not there yet."""
    return f"sqlite:///{tmp_path}/log.db"


def written(folder: Path, *lines: object) -> Path:
    """Return a file of NDJSON."""
    path = folder / "actions.ndjson"
    path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
    return path


def failed(url: str, *arguments: str, **more: str) -> str:
    """Return the one line that a command fails with."""
    ended = deedbook(url, *arguments, **more)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert len(ended.stderr.splitlines()) == 1
    assert "Traceback" not in ended.stderr
    return ended.stderr


#: What the server alone needs, and the driver of another engine: most of the time in which all of the program begins.
SERVER = {"asyncio", "jinja2", "prometheus_client", "psycopg", "starlette", "uvicorn", "uvloop", "websockets"}

BEGUN = """
import sys
from deedbook.web.cli import commands
commands.main({arguments}, standalone_mode=False)
print(*sys.modules, file=sys.stderr)
"""


@pytest.mark.parametrize("arguments", [["status"], ["keys", "list"], ["verify"], ["export"], ["rebuild"]], ids=" ".join)
def test_what_works_on_a_store_alone_begins_without_the_server(url: str, arguments: list[str]) -> None:
    """A command imports nothing that only the server needs: it begins in half of the time, or less."""
    issue_key(url)
    program = [sys.executable, "-c", BEGUN.format(arguments=[*arguments, "--url", url])]
    ended = subprocess.run(program, capture_output=True, text=True, check=True)
    imported = set(ended.stderr.splitlines()[-1].split())
    assert "deedbook.web.opening" in imported
    assert not imported & SERVER


def test_a_new_key_stands_alone_on_standard_output(url: str) -> None:
    """`keys create` prints 256 random bits and nothing else, and no file holds them."""
    secret = issue_key(url)
    assert len(secret) == 43
    assert "\n" not in secret
    stored = Path(url.removeprefix("sqlite:///")).read_bytes()
    assert secret.encode() not in stored


def test_keys_are_listed_and_revoked_once(url: str) -> None:
    """`keys list` tells of every key; `keys revoke` takes it away, and a second time is an error."""
    issue_key(url, user="ann", namespace="acme", role="auditor")
    listed = deedbook(url, "keys", "list").stdout
    assert "ann" in listed
    assert "auditor" in listed
    identifier = next(word for word in listed.split() if word.count("-") == 4)
    assert deedbook(url, "keys", "revoke", identifier).returncode == 0
    assert "revoked before" in failed(url, "keys", "revoke", identifier)


def test_load_reports_what_it_cannot_read_and_goes_on(url: str, tmp_path: Path) -> None:
    """A bad line is told with its number and reason, counted, and stops nothing; then the exit status is 1."""
    good = [{**ACTION, "uuid": str(uuid4())} for _ in range(3)]
    path = written(tmp_path, good[0], "{not json", good[1], {**good[2], "state": "Lost"})
    ended = deedbook(url, "load", "--namespace", "acme", str(path))
    assert ended.returncode == 1
    assert "actions.ndjson:2: " in ended.stderr
    assert "actions.ndjson:4: " in ended.stderr
    assert "2 actions added, 2 lines not loaded" in ended.stderr


def test_loading_twice_adds_nothing(url: str, tmp_path: Path) -> None:
    """A file loaded again, or packed with gzip, leaves the log as it was."""
    path = written(tmp_path, {**ACTION, "uuid": str(uuid4())}, {"relationship": {"parent": "/a/", "child": "/b/"}})
    packed = tmp_path / "again.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert "1 action added, 1 relationship" in deedbook(url, "load", str(path)).stderr
    before = deedbook(url, "status").stdout
    assert "2 actions that were there" in deedbook(url, "load", str(path), str(packed)).stderr
    assert deedbook(url, "status").stdout == before


def test_status_tells_how_far_everything_is(url: str, tmp_path: Path) -> None:
    """`status` names the store, the log's position, the output, the keys and the views."""
    deedbook(url, "load", str(written(tmp_path, {**ACTION, "uuid": str(uuid4())})))
    deedbook(url, "rebuild")
    told = deedbook(url, "status").stdout
    assert "position 1, recorded" in told
    assert "0 lines" in told
    assert "0 valid" in told
    assert "position 1, 0 behind" in told


def test_verify_finds_a_changed_row(url: str, tmp_path: Path) -> None:
    """`verify` is silent about a whole store, and tells the position of a row that was changed behind its back."""
    deedbook(url, "load", str(written(tmp_path, {**ACTION, "uuid": str(uuid4())})))
    assert deedbook(url, "verify").returncode == 0
    with sqlite3.connect(url.removeprefix("sqlite:///")) as db:
        db.execute("DROP TRIGGER events_update_append_only")
        db.execute("UPDATE events SET state = CAST(replace(CAST(state AS TEXT), 'Success', 'Failed') AS BLOB)")
    db.close()
    ended = deedbook(url, "verify")
    assert ended.returncode == 1
    assert "position 1: leaf: " in ended.stdout


def test_options_come_from_variables_too(tmp_path: Path) -> None:
    """Every option can be set as a DEEDBOOK_… variable."""
    with (
        serving(tmp_path, DEEDBOOK_LIST_ORDER="newest", DEEDBOOK_HOST="127.0.0.1") as server,
        server.client() as client,
    ):
        for number in range(2):
            client.post("/action/", json={"action": str(number), "method": "GET", "path": "/", "state": "Success"})
        listed = client.get("/acme/action/").json()["objects"]
        assert [one["action"] for one in listed] == ["1", "0"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("load", "/nowhere/at/all.json"), "all.json"),
        (("load", "--namespace", "key", "x"), "can't be a namespace"),
        (("load", "--namespace", "a b", "x"), "can't be a namespace"),
        (("keys", "create", "ann", "--namespace", "events", "--role", "admin"), "can't be a namespace"),
        (("keys", "create", "ann", "--namespace", "acme", "--role", "king"), "king"),
        (("serve", "--port", "70000"), "70000"),
        (("serve", "--colour"), "--colour"),
        (("dance",), "dance"),
        (("load",), "FILES"),
        (("status",), "There is no store"),
        (("verify",), "There is no store"),
        (("rebuild",), "There is no store"),
        (("keys", "list"), "There is no store"),
    ],
)
def test_bad_input_gets_one_line(url: str, arguments: tuple[str, ...], words: str) -> None:
    """What can't be done is one line on standard error that says why, and exit status 2."""
    assert words in failed(url, *arguments)


@pytest.mark.parametrize("url", ["mysql://host/db", "sqlite://log.db", "sqlite:///", "log.db", "sqlite://u:secret@h/x"])
def test_a_url_that_names_no_store_is_told(url: str) -> None:
    """A store's URL of another form is one line that shows the right one, and never a password."""
    told = failed(url, "status")
    assert "sqlite:///relative/log.db" in told
    assert "secret" not in told


def test_options_of_no_sense_are_told(tmp_path: Path) -> None:
    """Proxies that are no networks end the server before it listens."""
    told = failed(f"sqlite:///{tmp_path}/log.db", "serve", "--trusted-proxies", "everyone", "--port", "0")
    assert "everyone" in told


def test_a_rebuild_beside_a_running_server_fails_no_request(tmp_path: Path) -> None:
    """While views are rebuilt and swapped, recording and reading go on, and nothing is missing."""
    with serving(tmp_path) as server, server.client() as client:
        _post(server, 50)
        for round_ in range(3):
            assert deedbook(server.url, "rebuild").returncode == 0
            _post(server, 5)
            page = client.get("/acme/action/", params={"limit": 1})
            assert page.status_code == 200
            assert page.json()["meta"]["total_count"] == 50 + 5 * (round_ + 1)
    assert len(list(tmp_path.glob("views-*.db"))) == 1
    assert not list(tmp_path.glob("*.building"))


def test_a_rebuild_shows_how_it_comes_on(url: str, tmp_path: Path) -> None:
    """On a terminal: what it is at, events of all events, and the rate; elsewhere only what came of it."""
    deedbook(url, "load", str(written(tmp_path, *({**ACTION, "uuid": str(uuid4())} for _ in range(50)))))
    for is_terminal in (True, False):
        console = Console(file=StringIO(), force_terminal=is_terminal, width=120)
        store = open_store(Settings(url=url))
        rebuild_views(store, console, "of a test")
        store.close()
        assert isinstance(console.file, StringIO)
        shown = console.file.getvalue()
        assert ("catching up" in shown, "50/50" in shown, "events/s" in shown) == 3 * (is_terminal,)
        assert "The views are rebuilt: views-" in shown


def _post(server: Server, times: int) -> None:
    with server.client() as client:
        for _ in range(times):
            body = {"action": "a", "method": "GET", "path": "/", "state": "Success"}
            assert client.post("/action/", json=body).status_code == 201


def test_the_key_file_of_the_quick_start_is_for_its_owner_alone(tmp_path: Path) -> None:
    """The key is kept with mode 0600, is reused while it is valid, and replaced when it is not."""
    settings, key = Settings(url=f"sqlite:///{tmp_path}/log.db"), tmp_path / "key"
    prepare(settings, key, None, "http://127.0.0.1:8000")
    first = key.read_text()
    assert key.stat().st_mode & 0o777 == 0o600
    prepare(settings, key, None, "http://127.0.0.1:8000")
    assert key.read_text() == first
    other = issue_key(f"sqlite:///{tmp_path}/other.db")
    key.write_text(f"{other}\n")
    prepare(settings, key, None, "http://127.0.0.1:8000")
    assert key.read_text().strip() not in (first.strip(), other)


@pytest.mark.parametrize("content", [b"", b"notes\n", b"\xff\x00", b"x" * 44, b"x" * 43 + b"\nand more\n"])
def test_the_quick_start_writes_over_no_file_but_a_key(url: str, tmp_path: Path, content: bytes) -> None:
    """What is no key of Deedbook's is left as it is, and nothing is made: one line says so."""
    kept = tmp_path / "thesis.txt"
    kept.write_bytes(content)
    assert "thesis.txt" in failed(url, "quickstart", "--port", "0", "--key-file", str(kept))
    assert kept.read_bytes() == content
    assert list(tmp_path.iterdir()) == [kept]


def test_a_request_that_was_open_ends_when_a_later_file_says_so(url: str, tmp_path: Path) -> None:
    """An action that ran in one file, wrote lines, and ended in the next is one action, with its output closed."""
    name = str(uuid4())
    running = {**ACTION, "uuid": name, "state": "In progress", "start_date": DATE}
    ended = {**running, "state": "Failed", "end_date": "2014-09-17T08:27:22Z"}
    deedbook(url, "load", str(written(tmp_path, running, {"uuid": name, "lines": ["one", "two"]})))
    told = deedbook(url, "load", str(written(tmp_path, running, {"uuid": name, "lines": ["one", "two"]}, ended)))
    assert "1 action added" in told.stderr
    late = deedbook(url, "load", str(written(tmp_path, {"uuid": name, "lines": ["three"]})))
    assert "has ended" in late.stderr
    with sqlite3.connect(url.removeprefix("sqlite:///")) as db:
        topics = [row[0] for row in db.execute("SELECT topic FROM events ORDER BY position")]
        state = json.loads(db.execute("SELECT state FROM events ORDER BY position DESC LIMIT 1").fetchone()[0])
        lines = [row[0] for row in db.execute("SELECT text FROM output ORDER BY sequence")]
    db.close()
    assert topics == ["action.recorded/1", "action.ended/1"]
    assert (state["state"], state["lines"]) == ("Failed", 2)
    assert lines == ["one", "two"]
