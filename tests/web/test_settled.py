"""The garbage collector of a server that begins to serve."""

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import asyncio, gc, os, signal
from deedbook.web.listening import listen
from deedbook.web.server import serve
from deedbook.web.settings import Settings

def ready():
    print(gc.get_freeze_count(), gc.get_threshold()[0])
    # Behind what takes signals, which begins when this returns.
    asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGTERM)

before = gc.get_threshold()[0]
serve(Settings(url="sqlite:///log.db"), listen("127.0.0.1", 0), ready)
print(before)
"""


def test_the_collector_leaves_alone_what_is_there_when_serving_begins(tmp_path: Path) -> None:
    """All modules and all that is wired is looked through no more, and what is new more seldom than usual."""
    ended = subprocess.run([sys.executable, "-c", PROGRAM], cwd=tmp_path, capture_output=True, text=True, check=True)
    spared, threshold, before = map(int, ended.stdout.split())
    assert spared > 10_000
    assert threshold > 5 * before
