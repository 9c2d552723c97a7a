"""`deedbook keys`: whom a key can be issued to, and a list that shows all of each key, whoever it belongs to."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.server import DEEDBOOK, deedbook, environment, issue_key

#: What rich would take for markup, or a terminal obey; and how it is listed.
USERS = {
    "[/x]": "[/x]",
    "[red]x": "[red]x",
    r"\[x": r"\[x",
    "[link=http://evil.example]x": "[link=http://evil.example]x",
    ":smile:": ":smile:",
    "\x1b[2J\x1b]0;title\x07": r"\x1b[2J\x1b]0;title\x07",
    "a\nb": r"a\nb",
    "\u202egnp": r"\u202egnp",
    "jürgen 世界": "jürgen 世界",
}


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A store that is not there yet."""
    return f"sqlite:///{tmp_path}/log.db"


@pytest.mark.parametrize(("user", "shown"), USERS.items(), ids=[ascii(user) for user in USERS])
def test_a_user_is_listed_as_text(url: str, user: str, shown: str) -> None:
    """Whatever the API has issued a key to is one row of the list: no markup, and nothing that a terminal obeys."""
    issue_key(url, user=user)
    listed = deedbook(url, "keys", "list")
    assert (listed.returncode, listed.stderr) == (0, "")
    (row,) = listed.stdout.splitlines()[1:]
    assert row.split("  ")[1] == shown


def on_a_terminal(url: str, columns: int) -> str:
    """Return what `keys list` prints on a terminal of so many columns."""
    if shutil.which("script") is None:
        pytest.skip("there is no script(1), which gives a command a terminal")
    typed = f"stty cols {columns}; {DEEDBOOK} keys list"
    command = ["script", "--quiet", "--return", "--command", typed, os.devnull]
    variables = {**environment(url, TERM="xterm"), "COLUMNS": str(columns)}
    return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=500, check=True).stdout


@pytest.mark.parametrize("columns", [20, 80, 200])
def test_a_key_can_be_revoked_by_what_a_terminal_shows(url: str, columns: int) -> None:
    """Ids and dates stand in the list whole, however narrow the terminal and however long a user's name."""
    issue_key(url, user="x" * 256, role="auditor")
    issue_key(url)
    in_full = deedbook(url, "keys", "list").stdout
    shown = on_a_terminal(url, columns)
    assert "x" * 256 in shown
    words = [word for row in in_full.splitlines()[1:] for word in row.split()]
    assert len(words) == 2 * 5
    assert [word for word in words if word not in shown] == []
    assert deedbook(url, "keys", "revoke", words[0]).returncode == 0


@pytest.mark.parametrize(
    "user", ["a:b", "", "x" * 257, "a\nb", "a\n", "a\rb", "a\x1bb", b"\xff"], ids=lambda user: ascii(user[:5])
)
def test_a_key_is_issued_to_no_user_who_can_not_be(url: str, user: str | bytes) -> None:
    """No user, a long one, a colon, a line break, bytes that are no text: one sentence, status 2, and no key."""
    issue_key(url)
    arguments = [DEEDBOOK, "keys", "create", "--namespace", "acme", "--role", "admin", "--", user]
    done = subprocess.run(arguments, env=environment(url), capture_output=True, text=True, timeout=500, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == ("deedbook: A user has 1 to 256 characters, and no colon or control character among them.\n")
    assert len(deedbook(url, "keys", "list").stdout.splitlines()) == 2


@pytest.mark.parametrize("user", ["ann", "x" * 256, "jürgen 世界@example.com", "[red]x", "नमस्\u200dते"])
def test_a_key_is_issued_to_everybody_else(url: str, user: str) -> None:
    """Letters of every script, also those that need joiners."""
    done = deedbook(url, "keys", "create", user, "--namespace", "acme", "--role", "admin")
    assert (done.returncode, done.stderr) == (0, "")
