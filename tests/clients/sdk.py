"""The published Python SDK in a process and an environment of its own."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from typing import Any
from uuid import uuid4

from tests.support.server import Server
from tests.web.api.callers import Caller

SDK = "python-dockercloud"
VERSION = "1.0.12"

#: What it needs, by hand: what it asks for itself is older than Python 3.11. `future` 0.18.3 is the last that it runs
#: with; from 1 on, websocket-client calls back with other arguments.
NEEDS = ("future==0.18.3", "six<2", "requests<3", "websocket-client<1")

#: `future` imports `imp`, which this version of Python no longer has.
TOO_NEW = (3, 12)

# Any: JSON.
Json = Any


class NotInstalled(Exception):
    """The SDK can't be installed here."""


class SdkError(Exception):
    """The SDK raised: the name of the class is `kind`."""

    def __init__(self, kind: str, says: str) -> None:
        super().__init__(f"{kind}: {says}")
        self.kind = kind


def install(folder: Path) -> Path:
    """Return the Python of an environment in `folder` that holds the SDK, making it where there is none."""
    ready = folder / "ready"
    if not ready.exists():
        # Made aside and moved when it is whole: other runs of the tests may be at it too.
        made = folder / str(uuid4())
        try:
            _run(sys.executable, "-m", "venv", "--without-pip", str(made))
            _pip(made, "--no-deps", f"{SDK}=={VERSION}")
            _pip(made, *NEEDS)
            made.rename(ready)
        except OSError:
            if not ready.exists():
                raise
        finally:
            rmtree(made, ignore_errors=True)
    return ready / "bin" / "python"


def _pip(environment: Path, *wanted: str) -> None:
    python = str(environment / "bin" / "python")
    _run(sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python, "install", *wanted)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise NotInstalled(said[-1] if said else f"{command[2]} ended with {done.returncode}")


class Sdk:
    """A process that calls the SDK, one call after the other."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def call(self, name: str, **how: object) -> Json:
        """Return what a function of the SDK returned; raises `SdkError` where it raised."""
        self.begin(name, **how)
        return self.end()[1]

    def streamed(self, name: str, **how: object) -> list[Json]:
        """Return the messages of a stream until the function returns."""
        self.begin(name, **how)
        return self.end()[0]

    def begin(self, name: str, **how: object) -> None:
        """Call a function, and do not wait for it."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{json.dumps({'call': name, 'with': how})}\n")
        self._process.stdin.flush()

    def message(self) -> Json:
        """Return the next message of the stream that was begun."""
        return self._told()["message"]

    def end(self) -> tuple[list[Json], Json]:
        """Return the messages that are left, and what the function returned."""
        messages: list[Json] = []
        while True:
            told = self._told()
            if "message" not in told:
                return messages, told["answer"]
            messages.append(told["message"])

    def interrupt(self) -> None:
        """Press Ctrl-C: it ends the event stream."""
        self._process.send_signal(signal.SIGINT)

    def _told(self) -> Json:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"the SDK's process ended with {self._process.wait()}"
        told = json.loads(line)
        if "error" in told:
            raise SdkError(told["error"], told["says"])
        return told


def credentials(caller: Caller) -> dict[str, str]:
    """Return the variables that tell the SDK who asks."""
    return {"DOCKERCLOUD_USER": caller.user, "DOCKERCLOUD_APIKEY": caller.key}


@contextmanager
def speaking(python: Path, server: Server, home: Path, **more: str) -> Iterator[Sdk]:
    """Start the SDK for a server; `more` are its further DOCKERCLOUD_… variables, `home` an empty folder."""
    variables = {
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "DOCKERCLOUD_REST_HOST": server.address,
        "DOCKERCLOUD_STREAM_HOST": server.address.replace("http", "ws"),
        **more,
    }
    driver = str(Path(__file__).with_name("driver.py"))
    with subprocess.Popen(
        [str(python), "-W", "ignore", driver], env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Sdk(process)
        finally:
            process.kill()
