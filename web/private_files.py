"""Small files that only their owner can read: secrets."""

import os
from pathlib import Path
from uuid import uuid4


def write_private(path: Path, text: str) -> None:
    """Write or replace a file so that nobody else can read it, not even for a moment, and never half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _written(path, text).rename(path)


def write_once(path: Path, text: str) -> str:
    """Write a file where there is none, and return what is in it: to every process that does so, the same."""
    if not path.exists():
        fresh = _written(path, text)
        try:
            os.link(fresh, path)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_text().strip()


def _written(path: Path, text: str) -> Path:
    fresh = path.with_name(f"{path.name}.{uuid4().hex}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"{text}\n")
        file.flush()
        os.fsync(file.fileno())
    return fresh
