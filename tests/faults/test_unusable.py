"""What can't be served: one line on standard error that says what to do, exit status 2, and nothing is changed."""

import json
import os
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest

from tests.support.server import DEEDBOOK, deedbook, environment, serving


def foreign(path: Path) -> None:
    """Make a database of another program."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE events (position INTEGER PRIMARY KEY, what TEXT)")
        connection.execute("INSERT INTO events VALUES (1, 'theirs')")
        connection.commit()


def newer(path: Path) -> None:
    """Make a store that a newer version has opened."""
    made = deedbook(f"sqlite:///{path}", "keys", "create", "ann", "--namespace", "acme", "--role", "admin")
    assert made.returncode == 0
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 999")


#: What may stand where a store should be, and a word of the sentence about it.
NO_STORES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a text": (lambda path: path.write_text("not a database\n" * 500), "no Deedbook store"),
    "another database": (foreign, "no Deedbook store"),
    "a folder": (lambda path: path.mkdir(), "is no file"),
    "a newer store": (newer, "upgrade"),
}
COMMANDS = {"serve": ["serve", "--port", "0"], "verify": ["verify"]}


def is_told(done: subprocess.CompletedProcess[str], words: str) -> None:
    """Check that a command failed as it should: one line, which says what it is about."""
    assert done.returncode == 2, done
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith("deedbook: ")
    assert words in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert done.stdout == ""


@pytest.mark.parametrize("command", sorted(COMMANDS))
@pytest.mark.parametrize("what", sorted(NO_STORES))
def test_what_is_no_store_of_ours_is_told_and_left_alone(tmp_path: Path, what: str, command: str) -> None:
    """A file that is none, another database, a folder, a newer store: each its own sentence, and not a byte changed."""
    path = tmp_path / "log.db"
    make, words = NO_STORES[what]
    make(path)
    before = path.read_bytes() if path.is_file() else None
    done = deedbook(f"sqlite:///{path}", *COMMANDS[command])
    is_told(done, words)
    assert "log.db" in done.stderr
    assert (path.read_bytes() if path.is_file() else None) == before


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://localhost/log", "sqlite:///relative/log.db"),
        ("sqlite://", "sqlite:///relative/log.db"),
        ("sqlite:////proc/nowhere/log.db", "can't be created"),
        ("sqlite:////dev/null", "is no file"),
    ],
)
def test_a_url_that_names_no_store_is_told(url: str, words: str) -> None:
    """Another scheme, no path, or a place where no store can be made."""
    is_told(deedbook(url, "serve", "--port", "0"), words)


def test_two_servers_on_one_port(tmp_path: Path) -> None:
    """The second says that the port is taken, and what to do; the first goes on."""
    with serving(tmp_path) as server:
        done = deedbook(server.url, "serve", "--port", str(server.port))
        is_told(done, f"Can't listen on 127.0.0.1:{server.port}")
        assert "--port" in done.stderr
        with server.client() as client:
            assert client.get("/action/").status_code == 200


def without_power(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command for which the rights of files count, as they do for everybody but root."""
    powerless = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
    if powerless and subprocess.run([*powerless, "true"], capture_output=True, check=False).returncode:
        pytest.skip("tests run as root, whom no file's rights stop, and setpriv is not there to give that up")
    return subprocess.run(
        [*powerless, DEEDBOOK, *arguments],
        env=environment(url), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder whose rights are given back in the end."""
    yield tmp_path
    tmp_path.chmod(0o755)


def make_store(folder: Path) -> Path:
    """Make a store."""
    path = folder / "log.db"
    made = deedbook(f"sqlite:///{path}", "keys", "create", "ann", "--namespace", "acme", "--role", "admin")
    assert made.returncode == 0, made.stderr
    return path


def test_a_store_that_may_not_be_read_is_told(folder: Path) -> None:
    """Without the right to read the file: a sentence that does not deny what it is, and the store is as it was."""
    path = make_store(folder)
    before = path.read_bytes()
    path.chmod(0)
    done = without_power(f"sqlite:///{path}", "serve", "--port", "0")
    path.chmod(0o600)
    is_told(done, "log.db")
    assert path.read_bytes() == before
    assert "no Deedbook store" not in done.stderr


@pytest.mark.parametrize("folder_mode", [0o555, 0o755], ids=["nor its folder", "but its folder"])
def test_a_store_that_may_not_be_written_is_told(folder: Path, folder_mode: int) -> None:
    """With the right to read and not to write: a server could record nothing, so it says so and does not serve."""
    path = make_store(folder)
    for one in folder.iterdir():
        one.chmod(0o444)
    folder.chmod(folder_mode)
    try:
        done = without_power(f"sqlite:///{path}", "serve", "--port", "0")
    except subprocess.TimeoutExpired as expired:
        pytest.fail(f"it serves a store that it can't write: {expired.stderr!r}")
    is_told(done, "log.db")
    assert "no Deedbook store" not in done.stderr


def test_a_folder_that_may_not_be_written_is_told(folder: Path) -> None:
    """Where no store is and none may be made."""
    folder.chmod(0o555)
    is_told(without_power(f"sqlite:///{folder}/log.db", "serve", "--port", "0"), "can't be created")
    folder.chmod(0o755)
    assert list(folder.iterdir()) == []


def test_a_rebuild_on_a_full_disk_is_told(tmp_path: Path) -> None:
    """Where the new views find no room: one line and status 2, since 1 is for views that are not sound."""
    path = make_store(tmp_path)
    url = f"sqlite:///{path}"
    log = tmp_path / "actions.nd"
    action = {"action": "a", "method": "GET", "path": "/", "state": "Success", "created": "2014-09-17"}
    actions = ({**action, "uuid": str(uuid4()), "user": uuid4().hex * 8} for _ in range(500))
    log.write_text("".join(f"{json.dumps(one)}\n" for one in actions))
    assert deedbook(url, "load", str(log)).returncode == 0
    limited = ["sh", "-c", 'ulimit -f 200 && exec "$@"', "sh", DEEDBOOK, "rebuild"]
    done = subprocess.run(limited, env=environment(url), capture_output=True, text=True, timeout=500, check=False)
    is_told(done, "views")
    assert not list(tmp_path.glob("*.building*"))
    assert deedbook(url, "rebuild").returncode == 0


def test_a_store_that_could_not_be_made_is_made_later(tmp_path: Path) -> None:
    """On a disk that is full making a store fails with a sentence; what it left behind does no harm later."""
    url = f"sqlite:///{tmp_path}/log.db"
    create = ["keys", "create", "ann", "--namespace", "acme", "--role", "admin"]
    for blocks in (0, 8, 40):
        limited = ["sh", "-c", f'ulimit -f {blocks} && exec "$@"', "sh", DEEDBOOK, *create]
        done = subprocess.run(limited, env=environment(url), capture_output=True, text=True, timeout=60, check=False)
        is_told(done, "log.db")
    assert deedbook(url, *create).returncode == 0
    assert deedbook(url, "verify").returncode == 0
