"""What a stranger does first: `make run`, in a clone with nothing installed, and what the first README says next."""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest

from tests.docs.markdown import ROOT
from tests.docs.reading import Reader
from tests.docs.shell import Shell, shell
from tests.support.server import DEEDBOOK, free_port

#: What a clone holds of the data folder.
KEPT = {"README.md", "sample.ndjson"}

#: A line that is printed last, so that all is there when it is.
LAST = "Ctrl-C ends it"


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree as git has it, but for the tests."""
    copy = tmp_path_factory.mktemp("clone") / "deedbook"
    for room in ("domain", "projections", "web"):
        shutil.copytree(ROOT / room, copy / room, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "data").mkdir()
    for name in KEPT:
        shutil.copy(ROOT / "data" / name, copy / "data")
    for file in filter(Path.is_file, ROOT.iterdir()):
        shutil.copy(file, copy)
    return copy


@pytest.fixture
def checkout(clone: Path) -> Path:
    """The clone without a store: only its virtual environment is left from test to test."""
    shutil.rmtree(clone / "elsewhere", ignore_errors=True)
    for path in (clone / "data").iterdir():
        if path.name not in KEPT:
            path.unlink()
    return clone


def at_home(checkout: Path, port: int) -> dict[str, str]:
    """Return the environment of a reader who has activated what `make run` installs."""
    path = f"{checkout / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return {"PATH": path, "PORT": str(port), "PYTHON": sys.executable}


def make_run(opened: Shell) -> str:
    """Type `make run`, and return what it prints until it serves."""
    return opened.begin("make run", lambda printed: LAST in printed)


def commands_in(words: str) -> list[str]:
    """Return the commands that are printed: what is indented by four, each from `curl` on."""
    indented = [line.removeprefix("    ") for line in words.splitlines() if line.startswith("    ")]
    return re.findall(r"^curl .*?[^\\]$", "\n".join(indented), re.MULTILINE | re.DOTALL)


# Any: JSON of every shape.
def answer(command: str) -> Any:  # noqa: ANN401
    """Type a command in another terminal, and return the JSON that it prints."""
    printed = subprocess.run(["bash", "-c", command], cwd="/", capture_output=True, text=True, timeout=60, check=False)
    assert printed.returncode == 0, f"{command}\n{printed.stderr}"
    return json.loads(printed.stdout)


def key_in(words: str) -> str:
    """Return the API key that is printed."""
    (key,) = re.findall(r"^    ([\w-]{43})$", words, re.MULTILINE)
    return str(key)


def test_each_of_the_three_commands_works_as_printed(checkout: Path) -> None:
    """Copied from the terminal into another one, in another folder, each command answers what it is said to."""
    with shell(checkout, **at_home(checkout, free_port())) as opened:
        running, recording, related = commands_in(make_run(opened))
        states = [action["state"] for action in answer(running)["objects"]]
        recorded = answer(recording)
        found = answer(related)["objects"]
        assert states == ["In progress"] * 2
        assert (recorded["state"], recorded["user"]) == ("In progress", "demo")
        assert recorded["uuid"] in [action["uuid"] for action in answer(running)["objects"]]
    dates = [parsedate_to_datetime(action["start_date"] or action["created"]) for action in found]
    assert found
    assert all(action["is_user_action"] for action in found)
    assert dates == sorted(dates, reverse=True)


def test_the_key_is_kept_for_its_owner_alone(checkout: Path) -> None:
    """`data/key` holds the key that is printed, and has mode 0600."""
    with shell(checkout, **at_home(checkout, free_port())) as opened:
        key = key_in(make_run(opened))
    kept = checkout / "data" / "key"
    assert kept.read_text().strip() == key
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_started_again_it_goes_on_with_what_it_finds(checkout: Path) -> None:
    """The second time the same key works, what was recorded is there, and nothing is loaded again."""
    port = free_port()
    with shell(checkout, **at_home(checkout, port)) as opened:
        words = make_run(opened)
        recorded = answer(commands_in(words)[1])
    with shell(checkout, **at_home(checkout, port)) as opened:
        again = make_run(opened)
        running = answer(commands_in(again)[0])["objects"]
    assert key_in(again) == key_in(words)
    assert "actions added" in words
    assert "actions" not in again.partition("Deedbook serves")[0]
    assert recorded["uuid"] in [action["uuid"] for action in running]


def test_another_store_and_another_port_are_respected(checkout: Path) -> None:
    """With `DEEDBOOK_URL` and `PORT` nothing is made in `data/` but the key."""
    port = free_port()
    with shell(checkout, DEEDBOOK_URL="sqlite:///elsewhere/log.db", **at_home(checkout, port)) as opened:
        words = make_run(opened)
        assert answer(commands_in(words)[0])["meta"]["total_count"] == 2
    assert f"http://127.0.0.1:{port}" in words
    assert {path.name for path in (checkout / "data").iterdir()} == {*KEPT, "key"}


def test_the_commands_work_wherever_the_clone_is(tmp_path: Path) -> None:
    """They are printed so that a shell takes the key's path as one word, spaces, quotes and all."""
    folder = tmp_path / "Lena's new clone"
    folder.mkdir()
    with shell(folder, PORT=str(free_port())) as opened:
        words = opened.begin(f"{DEEDBOOK} quickstart", lambda printed: LAST in printed)
        assert answer(commands_in(words)[0])["objects"] == []


def test_the_first_readme_can_be_followed(checkout: Path) -> None:
    """Each of its commands succeeds and prints what is shown, `pip install .` in the end included."""
    port = free_port()
    with shell(checkout, **at_home(checkout, port)) as opened:
        assert Reader(checkout, {"8000": str(port)}).read(ROOT / "README.md", opened) > 0


def test_make_test_is_pytest(checkout: Path) -> None:
    """The second of the two commands runs all the tests: tried dry, since this is one of them."""
    with shell(checkout, PYTHON=sys.executable) as opened:
        command = opened.run("make --dry-run test ARGS='-k lane'").splitlines()[-1]
        assert " -m pytest " in command
        assert command.endswith(" -k lane")
