"""A bash, as somebody has open who reads a README and types what it says."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.server import environment

#: How long a command may take, in seconds: `make run` installs.
PATIENCE = 100.0

_DONE = "---- done: "


class Shell:
    """Runs commands one after the other; what is in the background goes on beside them."""

    def __init__(self, folder: Path, **more: str) -> None:
        self._typescript = folder / ".typescript"
        self._read = 0
        with self._typescript.open("wb") as out:
            self._bash = subprocess.Popen(
                ["bash", "--noprofile", "--norc"],
                cwd=folder, env=_environment(**more), stdin=subprocess.PIPE, stdout=out, stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip

    def run(self, command: str, *, until: Callable[[str], bool] = lambda _: True) -> tuple[str, int]:
        """Run a command; return what was printed and its exit status.

        Returns once `until` holds of what was printed, or nothing came to make it hold within `PATIENCE`: one in the
        background prints when it has something to say.
        """
        assert self._bash.stdin is not None
        self._bash.stdin.write(f'{command}\nprintf "\\n{_DONE}%s\\n" $?\n'.encode())
        self._bash.stdin.flush()
        deadline = time.monotonic() + PATIENCE
        while True:
            text = self._printed()
            before, mark, after = text.rpartition(f"\n{_DONE}")
            status, _, later = after.partition("\n")
            if mark and (until(before + later) or time.monotonic() > deadline):
                self._read += len(text.encode())
                return before + later, int(status)
            assert time.monotonic() < deadline, f"still running: {command}\n{text}"
            time.sleep(0.02)

    def _printed(self) -> str:
        with self._typescript.open("rb") as file:
            file.seek(self._read)
            return file.read().decode()

    def close(self) -> None:
        """End all that was begun here and still runs, and wait for it."""
        assert self._bash.stdin is not None
        self._bash.stdin.write(b"kill $(jobs -p) 2> /dev/null; wait; exit\n")
        self._bash.stdin.close()
        try:
            self._bash.wait(30)
        finally:
            if self._bash.poll() is None:
                os.killpg(self._bash.pid, signal.SIGKILL)


@contextmanager
def shell(folder: Path, **more: str) -> Iterator[Shell]:
    """Give a shell in a folder, and end all that was begun in it."""
    opened = Shell(folder, **more)
    try:
        yield opened
    finally:
        opened.close()


def _environment(**more: str) -> dict[str, str]:
    """Return a reader's environment: nothing of a developer's own settings, and no other virtual environment."""
    clean = environment("", **more)
    for name in ("DEEDBOOK_URL", "VIRTUAL_ENV", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
        clean.pop(name, None)
    return clean
