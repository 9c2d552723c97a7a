"""`deedbook load` that stops midway: it says what it has added, and begins with nothing that it can't open."""

import json
import os
import signal
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest

from deedbook.web.loading import CHUNK
from tests.faults.ledger import wait_for
from tests.support.server import DEEDBOOK, deedbook, environment


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A store that is not there yet."""
    return f"sqlite:///{tmp_path}/log.db"


def lines(count: int) -> str:
    """Return so many new actions, one a line."""
    action = {"action": "a", "method": "POST", "path": "/", "state": "Success", "created": "2014-09-17T08:26:22Z"}
    return "".join(f"{json.dumps({**action, 'uuid': str(uuid4())})}\n" for _ in range(count))


def position(url: str) -> int:
    """Return where the log ends; 0 where there is none yet."""
    path = Path(url.removeprefix("sqlite:///"))
    if not path.exists() or not path.stat().st_size:
        return 0
    with closing(sqlite3.connect(path)) as db:
        tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
        return int(db.execute("SELECT count(*) FROM events").fetchone()[0]) if "events" in tables else 0


@pytest.mark.parametrize("bad", ["nowhere.json", "folder"])
def test_all_files_are_looked_at_before_the_first_is_loaded(url: str, tmp_path: Path, bad: str) -> None:
    """Where one can't be opened, one line says so, and nothing of the others is loaded."""
    (tmp_path / "folder").mkdir()
    good = tmp_path / "good.nd"
    good.write_text(lines(3))
    done = deedbook(url, "load", str(good), str(tmp_path / bad))
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert bad in done.stderr
    assert position(url) == 0


@pytest.mark.parametrize("content", ["", "name,age\n", '{"level": "info"}\n'])
def test_a_load_that_stops_at_a_file_tells_what_it_has_added(url: str, tmp_path: Path, content: str) -> None:
    """What turns out to be no log ends it: then the counts of the files before it are told, and why it stopped."""
    good, bad = tmp_path / "good.nd", tmp_path / "bad.nd"
    good.write_text(lines(3) + "oops\n")
    bad.write_text(content)
    done = deedbook(url, "load", str(good), str(bad))
    assert done.returncode == 2
    *told, counts, reason = done.stderr.splitlines()
    assert counts.startswith("3 actions added, ")
    assert reason.startswith("deedbook: ")
    assert "bad.nd" in reason
    assert len(told) >= 1
    assert position(url) == 3


@pytest.mark.parametrize("after", [5, 5 + CHUNK, 5 + 2 * CHUNK])
def test_a_load_that_is_interrupted_tells_what_it_has_added(url: str, tmp_path: Path, after: int) -> None:
    """After Ctrl-C the counts are those of the log, also of what was under way; status 130."""
    good, pipe = tmp_path / "good.nd", tmp_path / "pipe"
    good.write_text(lines(5))
    os.mkfifo(pipe)
    command = [DEEDBOOK, "load", str(good), str(pipe)]
    with (
        subprocess.Popen(command, env=environment(url), stderr=subprocess.PIPE, text=True) as loading,
        pipe.open("w") as writing,
    ):
        writing.write(lines(2 * CHUNK + CHUNK // 2))
        writing.flush()
        # The rest of the last chunk never comes: it waits for that, or is on its way there.
        wait_for(lambda: position(url) >= after, "what was piped")
        loading.send_signal(signal.SIGINT)
        _, told = loading.communicate(timeout=500)
    assert loading.returncode == 130
    assert told.rstrip() == f"{position(url):,} actions added"


def test_a_pipe_is_read_once(url: str, tmp_path: Path) -> None:
    """To look at it first would take away what it holds."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen([DEEDBOOK, "load", str(pipe)], env=environment(url), stderr=subprocess.PIPE) as loading:
        pipe.write_text(lines(2))
        assert loading.communicate(timeout=500)[1] == b"2 actions added\n"


def test_what_a_file_holds_is_told_as_text(url: str, tmp_path: Path) -> None:
    """Neither its name nor what stands in it is markup, or obeyed by a terminal."""
    path = tmp_path / "[red]\x1b[2J.nd"
    action = json.loads(lines(1))
    path.write_text(json.dumps({**action, "state": "[/y]\x1b[2J"}))
    done = deedbook(url, "load", str(path), FORCE_COLOR="1", TERM="xterm")
    assert done.returncode == 1
    assert r"[red]\x1b[2J.nd:1: " in done.stderr
    assert r"[red]\x1b[2J.nd" in done.stderr.partition("bytes")[0]
    assert "\x1b[2J" not in done.stderr
    assert "Traceback" not in done.stderr
