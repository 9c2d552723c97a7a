"""A bash, as somebody has open who reads a README and types what it says."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.server import environment

#: How long a command may take, in seconds: `make run` installs what it needs.
PATIENCE = 250.0

_DONE = "---- done: "


class Shell:
    """Runs commands one after the other; what is in the background goes on beside them."""

    def __init__(self, folder: Path, **more: str) -> None:
        self._typescript = folder / ".typescript"
        self._read = 0
        with self._typescript.open("wb") as out:
            self._bash = subprocess.Popen(
                ["bash", "--noprofile", "--norc"],
                cwd=folder,
                env=_environment(**more),
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def run(self, command: str) -> str:
        """Run a command that succeeds; return what it printed, and what those in the background did meanwhile."""
        self._type(f'{command}\nprintf "\\n{_DONE}%s\\n" $?\n')
        printed, _, status = self._printed(lambda text: text.endswith("\n") and f"\n{_DONE}" in text).rpartition(
            f"\n{_DONE}"
        )
        assert int(status) == 0, f"{command}\n{printed}"
        return printed

    def begin(self, command: str, until: Callable[[str], bool]) -> str:
        """Run a command in the background, and return what it printed once `until` holds of that."""
        self._type(f"{command} < /dev/null &\n")
        return self._printed(until)

    def close(self) -> None:
        """End all that was begun here and still runs, and wait for it."""
        try:
            self._type("kill $(jobs -p) 2> /dev/null; wait; exit\n")
            self._bash.communicate(timeout=30)
        finally:
            if self._bash.poll() is None:
                os.killpg(self._bash.pid, signal.SIGKILL)
                self._bash.communicate()

    def _type(self, text: str) -> None:
        assert self._bash.stdin is not None
        self._bash.stdin.write(text.encode())
        self._bash.stdin.flush()

    def _printed(self, until: Callable[[str], bool]) -> str:
        """Return what was printed since the last call, once `until` holds of it."""
        deadline = time.monotonic() + PATIENCE
        while True:
            with self._typescript.open("rb") as file:
                file.seek(self._read)
                text = file.read()
            if until(text.decode(errors="replace")):
                self._read += len(text)
                return text.decode()
            assert time.monotonic() < deadline, f"this is all that came:\n{text.decode()}"
            time.sleep(0.02)


@contextmanager
def shell(folder: Path, **more: str) -> Iterator[Shell]:
    """Give a shell in a folder, and end all that was begun in it."""
    opened = Shell(folder, **more)
    try:
        yield opened
    finally:
        opened.close()


def _environment(**more: str) -> dict[str, str]:
    """Return a reader's environment: nothing of a developer's settings, and nothing of `make test`."""
    clean = environment("")
    for name in ("DEEDBOOK_URL", "VIRTUAL_ENV", "MAKEFLAGS", "MAKELEVEL", "MFLAGS", "ARGS"):
        clean.pop(name, None)
    return {**clean, **more}
