"""No answer leaves before what it tells of is on disk: seen in the system calls of a real server.

SIGKILL can't show this, since what was written is in the kernel's memory and outlives the process.
"""

import shutil
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.faults.ledger import wait_for
from tests.faults.trace import OPTIONS, Answer, Call, Commit, answers, calls, commits, is_whole
from tests.support import server as servers
from tests.support.server import Server, issue_key

STRACE = shutil.which("strace")


def why_not() -> str | None:
    """Return why no program can be traced here, None where one can."""
    if STRACE is None:
        return "strace is not installed: on Debian and Ubuntu, `apt-get install strace`"
    tried = subprocess.run([STRACE, "-D", *OPTIONS, "true"], capture_output=True, text=True, check=False)
    return None if tried.returncode == 0 and "not permitted" not in tried.stderr else f"strace: {tried.stderr.strip()}"


REASON = why_not()
pytestmark = pytest.mark.skipif(REASON is not None, reason=str(REASON))

ONE_BY_ONE, AT_ONCE, CONNECTIONS = 20, 160, 16


class Traced:
    """What was asked of a traced server, as the markers of what it recorded; and what it did."""

    def __init__(self, folder: Path) -> None:
        self.url = f"sqlite:///{folder}/log.db"
        self.trace = folder / "trace"
        key = issue_key(self.url)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(servers, "DEEDBOOK", str(self._traced_command(folder)))
            server = Server(self.url, key)
        try:
            self.actions, self.lines = self._ask(server)
        finally:
            server.stop()
        wait_for(lambda: is_whole(self.trace, server.process.pid), "the end of the trace")
        self.calls: list[Call] = calls(self.trace)
        self.answers: list[Answer] = answers(self.calls)
        self.commits: list[Commit] = list(commits(self.calls, f"{folder}/log.db-wal"))

    @staticmethod
    def _traced_command(folder: Path) -> Path:
        """Make a command that runs deedbook under strace; -D keeps the server the process that was started."""
        command = folder / "deedbook"
        options = " ".join(OPTIONS)
        command.write_text(f'#!/bin/sh\nexec {STRACE} -D {options} -o "{folder}/trace" "{servers.DEEDBOOK}" "$@"\n')
        command.chmod(0o755)
        return command

    @staticmethod
    def _ask(server: Server) -> tuple[list[str], list[str]]:
        """Record one by one, append output one by one, and record from many connections at once."""
        with server.client() as client:

            def record(number: int) -> str:
                marker = f"action-{number:04}-marker"
                body = {
                    "action": marker,
                    "method": "POST",
                    "path": "/",
                    "object": f"/{number % 5}/",
                    "parents": ["/a/"],
                }
                state = ("Success", "In progress", "Pending")[number % 3]
                answer = client.post("/action/", json={**body, "state": state})
                assert answer.status_code in (201, 202), answer.text
                return marker

            def append(number: int) -> str:
                marker = f"line-{number:04}-marker"
                answer = client.post(f"/action/{running}/logs/", json={"lines": [marker]})
                assert answer.json() == {"first": number, "count": 1}
                return marker

            actions = [record(number) for number in range(ONE_BY_ONE)]
            running = client.get("/action/", params={"state": "In progress"}).json()["objects"][0]["uuid"]
            lines = [append(number) for number in range(1, ONE_BY_ONE + 1)]
            with ThreadPoolExecutor(CONNECTIONS) as threads:
                actions += threads.map(record, range(ONE_BY_ONE, ONE_BY_ONE + AT_ONCE))
        return actions, lines

    def is_covered(self, marker: str, answer: Answer) -> bool:
        """Tell whether the transaction that first holds a marker was synced before an answer was sent."""
        commit = next(commit for commit in self.commits if marker.encode() in commit.pages)
        return commit.synced is not None and commit.synced < answer.began


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Traced:
    """A server that was traced."""
    return Traced(tmp_path_factory.mktemp("traced"))


def test_no_answer_to_a_recording_leaves_before_it_is_on_disk(traced: Traced) -> None:
    """Each 201 and 202 begins to be sent after the fdatasync that covers its action has returned."""
    for marker in traced.actions:
        told = [one for one in traced.answers if one.data[9:12] in (b"201", b"202") and marker.encode() in one.data]
        assert len(told) == 1, f"{marker} was answered {len(told)} times"
        assert traced.is_covered(marker, told[0]), f"{marker} was answered before it was on disk"


def test_no_answer_to_an_append_leaves_before_it_is_on_disk(traced: Traced) -> None:
    """The same for lines of output."""
    for number, marker in enumerate(traced.lines, 1):
        (told,) = [one for one in traced.answers if b'{"first":%d,' % number in one.data]
        assert traced.is_covered(marker, told), f"line {number} was answered before it was on disk"


def test_commands_that_arrive_together_share_a_sync(traced: Traced) -> None:
    """Group commit: with many connections at once, one transaction holds what several of them asked for."""
    first_in = Counter(
        next(number for number, one in enumerate(traced.commits) if marker.encode() in one.pages)
        for marker in traced.actions[ONE_BY_ONE:]
    )
    assert first_in.most_common(1)[0][1] > 1


def test_what_is_traced_is_what_is_told(traced: Traced) -> None:
    """The trace is whole: it shows every transaction, each of them synced."""
    assert len(traced.commits) > 2 * ONE_BY_ONE
    assert all(commit.synced is not None for commit in traced.commits)
