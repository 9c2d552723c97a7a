"""`deedbook check`: a deployment that keeps the lifecycle, ones that don't, and ones of which nothing can be said."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from starlette.types import ASGIApp

from deedbook.domain.testing import NoAnswer, check
from deedbook.web.checking import OverHttp
from tests.support.broken import (
    CuttingProxy,
    answering,
    finish_fails,
    late_cancel_is_accepted,
    serving_broken,
    total_drifts,
    without_idempotency_keys,
)
from tests.support.server import DEEDBOOK, Server, deedbook, environment, free_port, issue_key, serving

SEED = "1"


class Ended(NamedTuple):
    """How a check ended, and what it printed."""

    status: int
    out: str
    err: str


def checked(address: str, key: str, *options: str) -> Ended:
    """Check a deployment from the command line; whatever comes, it shows neither the key nor how it is made."""
    ended = deedbook("sqlite:///nowhere.db", "check", address, "--seed", SEED, *options, DEEDBOOK_KEY=key)
    for told in (ended.stdout, ended.stderr):
        assert key not in told
        assert "Traceback" not in told
        assert "ypothesis" not in told
    return Ended(ended.returncode, ended.stdout, ended.stderr)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A sound server."""
    with serving(tmp_path_factory.mktemp("sound")) as server:
        yield server


def test_a_sound_deployment_passes(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit status 0, how much was checked in which namespaces, and no file where the command was typed."""
    monkeypatch.chdir(tmp_path)
    status, out, err = checked(server.address, server.key, "--examples", "5", "--user", "me")
    assert (status, err) == (0, "")
    assert out.startswith("All as the lifecycle says: ")
    assert int(out.split(" stories, ")[0].split()[-1]) >= 5
    assert list(tmp_path.iterdir()) == []


def test_a_check_touches_no_namespace_but_its_own(server: Server) -> None:
    """What is in the key's namespace before is there afterwards, and nothing else."""
    with server.client() as client:
        before = client.get("/acme/action/").json()
        assert checked(server.address, server.key, "--examples", "3").status == 0
        assert client.get("/acme/action/").json() == before


Around = Callable[[ASGIApp], ASGIApp]

FAULTS: dict[str, tuple[Around, str]] = {
    "a cancel accepted after the end": (
        answering(late_cancel_is_accepted),
        "was answered 202; the lifecycle says 409, since it had ended (",
    ),
    "a total that drifts": (answering(total_drifts), "its total is 2; there are 1."),
    "a finish that breaks down": (
        answering(finish_fails),
        'was answered 500 "Something went wrong here.";',
    ),
    "an idempotency key that records twice": (
        without_idempotency_keys,
        ", again under the key key-",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_deployment_is_told_as_a_story(tmp_path: Path, fault: str) -> None:
    """Exit status 1, numbered sentences, and what was expected and seen: through HTTP too each fault is named."""
    around, told = FAULTS[fault]
    key = issue_key(f"sqlite:///{tmp_path}/log.db")
    with serving_broken(tmp_path, around) as address:
        status, out, err = checked(address, key, "--examples", "60", "--steps", "15")
    assert (status, err) == (1, "")
    assert out.startswith("The lifecycle does not hold. The smallest story that shows it:\n\n1. ")
    assert told in out
    assert "\nExpected: " in out
    assert "\nSeen:     " in out
    assert f"--seed {SEED} tells the same stories" in out


def test_where_it_cannot_be_checked_one_line_says_why(server: Server) -> None:
    """Exit status 2: no server, a wrong key, one that is no admin's, another user's, a URL that is none."""
    auditor = issue_key(server.url, user="ann", role="auditor")
    for address, key, options, why in [
        (f"http://127.0.0.1:{free_port()}", server.key, [], "does not answer"),
        (server.address, "wrong", [], "does not take this key (401"),
        (server.address, server.key, ["--user", "bob"], "does not take this key as bob's"),
        (server.address, auditor, [], "Checking needs an admin's key"),
        (server.address, "two words", [], "The API key is none"),
        (f"{server.address}/elsewhere", server.key, [], "is no Deedbook"),
        ("127.0.0.1", server.key, [], "The URL must be one of a server"),
        (server.address.replace("//", "//me:secret@"), server.key, [], "does not belong into the URL"),
    ]:
        status, out, err = checked(address, key, *options)
        assert (status, out, len(err.splitlines())) == (2, "", 1), (address, err)
        assert why in err
        assert "secret" not in err


def _started(server: Server) -> "subprocess.Popen[str]":
    """Start a check that goes on for long, and return when it is under way."""
    with server.client() as client:
        before = _recorded(client)
    process = subprocess.Popen(
        [DEEDBOOK, "check", server.address, "--examples", "100000"],
        env=environment("sqlite:///nowhere.db", DEEDBOOK_KEY=server.key),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with server.client() as client:
        while _recorded(client) < before + 20:
            assert process.poll() is None
            time.sleep(0.05)
    return process


def _recorded(client: httpx.Client) -> int:
    return int(client.get("/action/").json()["meta"]["total_count"])


def test_a_server_that_goes_away_is_no_failing_story(tmp_path: Path) -> None:
    """Killed in the middle, the check says that the server went away, and nothing of the lifecycle: exit status 2."""
    with serving(tmp_path) as server:
        process = _started(server)
        server.kill()
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "")
    assert "went away" in err
    assert len(err.splitlines()) == 1


def test_a_check_that_is_interrupted_ends_without_a_word(server: Server) -> None:
    """Ctrl-C: exit status 130, and no traceback."""
    process = _started(server)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in out + err


def test_a_connection_that_is_cut_spoils_no_check(server: Server) -> None:
    """Whether a cut request was done or not, its story is given up and the check goes on, and passes."""
    proxy = CuttingProxy(server.port, {5, 40, 81, 122, 203})
    with OverHttp(proxy.address, server.key) as driver:
        driver.begin()
        assert check(driver, examples=15, seed=int(SEED)).stories >= 15
    assert proxy.requests > 203
    proxy.close()


def test_a_server_that_cuts_off_again_and_again_is_one_that_went_away(server: Server) -> None:
    """After twenty requests that were cut off the check gives up, with a sentence."""
    proxy = CuttingProxy(server.port, set(range(50, 100_000, 3)), (b"POST", b"DELETE"))
    with OverHttp(proxy.address, server.key) as driver:
        driver.begin()
        with pytest.raises(NoAnswer, match="cut off 20 requests"):
            check(driver, examples=200, seed=int(SEED))
    proxy.close()


def test_without_its_extra_the_command_says_what_to_install() -> None:
    """Hypothesis comes with the extra `testing`; without it one line says so, and every other command works."""
    program = "import sys; sys.modules['hypothesis'] = None; from deedbook.web.cli import main; main()"
    ended = subprocess.run(
        [sys.executable, "-c", program, "check", "http://127.0.0.1:1"],
        env={**os.environ, "DEEDBOOK_KEY": "key"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "deedbook: This needs hypothesis: install it with `pip install 'deedbook[testing]'`.\n"
