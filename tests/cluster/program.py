"""Programs that run in the background, and that never outlive the tests."""

import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import psutil

from tests.cluster.programs import USER
from tests.support.unprivileged import unprivileged

#: Where what the programs printed is kept, until the next run.
LOGS = Path(__file__).parents[2] / "build" / "cluster"


class Program:
    """One program that runs in the background, and all that it started."""

    def __init__(self, name: str, command: list[str]) -> None:
        self.name = name
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, in a process group of its own; what it prints goes to a file of its name."""
        with (LOGS / f"{self.name}.log").open("ab") as log:
            self._process = subprocess.Popen(
                unprivileged(self._command, USER), stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )

    def all(self) -> list[psutil.Process]:
        """Return its processes: itself, and all below it."""
        if self._process is None or self._process.poll() is not None:
            return []
        with suppress(psutil.NoSuchProcess):
            own = psutil.Process(self._process.pid)
            return [own, *own.children(recursive=True)]
        return []

    def send(self, number: signal.Signals) -> None:
        """Send a signal to all its processes, itself first, so that it can't mend the others."""
        for process in self.all():
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def kill(self) -> None:
        """End all of it as a power cut would, and return when nothing is left of it."""
        processes = self.all()
        self.send(signal.SIGKILL)
        psutil.wait_procs(processes, timeout=60)
        if self._process is not None:
            self._process.wait()
            self._process = None
