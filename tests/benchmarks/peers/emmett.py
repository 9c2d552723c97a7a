"""Emmett on SQLite, installed from npm into a temporary folder, where Node and npm are there."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: Beside each other, the newest of these that fit.
PACKAGES = ("@event-driven-io/emmett-sqlite@0.38.5", "@event-driven-io/emmett@0.38.5")

PROGRAM = Path(__file__).with_suffix(".mjs")

#: Seconds that it may take to install: its driver may have to be compiled.
PATIENCE = 600


@contextmanager
def installed() -> Iterator[Path | None]:
    """Give a folder that Emmett is installed in; None, and a line that says why, where that can't be done."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        print("Emmett is not measured: install Node and npm and run again.")
        yield None
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = ["npm", "install", "--no-audit", "--no-fund", "--no-save", *PACKAGES]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE, check=False)
        if done.returncode:
            print(f"Emmett is not measured: npm could not install it: {done.stderr.strip().splitlines()[-1]}")
            yield None
            return
        shutil.copy(PROGRAM, folder)
        yield folder


def append(folder: Path, file: Path, body: str, seconds: float) -> tuple[float, int]:
    """Append one event after the other; return appends a second, and how many there were."""
    command = ["node", PROGRAM.name, str(file), str(seconds), body]
    told = json.loads(subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout)
    if told["stored"] != told["count"]:
        raise RuntimeError(f"Emmett appended {told['count']} events and holds {told['stored']}")
    return told["rate"], told["count"]
