"""The store with a million actions, made once and kept in build/million: a run of tests or of benchmarks copies it."""

import fcntl
import hashlib
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from deedbook.domain.store.sqlite import SqliteStore
from deedbook.projections.generations import Generations
from deedbook.projections.rebuild import build
from tests.support import million
from tests.support.server import deedbook

ACTIONS = 1_000_000

_ROOT = Path(__file__).parents[2]
_FOLDER = _ROOT / "build" / "million"
_SAMPLE = _ROOT / "data" / "sample.ndjson"

#: What the log is made by and of; and what builds its views.
_MAKES_LOG = ("domain/**/*.py", "tests/support/million.py", "data/sample.ndjson")
_MAKES_VIEWS = ("projections/**/*.py",)


def copied(folder: Path) -> Path:
    """Copy the store with its views into a folder, making it first where it is not kept yet; return the log's path.

    The sample log is in it too, in the same namespace. Making it takes a minute or two; processes that want it at the
    same time make it once.
    """
    with _alone():
        log = _FOLDER / "log.db"
        if _changed("log", _MAKES_LOG):
            shutil.rmtree(_FOLDER)
            _FOLDER.mkdir()
            _make(log)
            _keep("log", _MAKES_LOG)
        if _changed("views", _MAKES_VIEWS):
            _build(log)
            _keep("views", _MAKES_VIEWS)
        for path in [log, *_FOLDER.glob("views-*.db")]:
            # cp shares the blocks where the file system can.
            subprocess.run(["cp", "--reflink=auto", path, folder], check=True)
    return folder / "log.db"


def _make(log: Path) -> None:
    store = SqliteStore(log, queue=2 * ACTIONS)
    million.fill(store.audit_log, ACTIONS)
    store.close()
    loaded = deedbook(f"sqlite:///{log}", "load", "--namespace", million.NAMESPACE, str(_SAMPLE))
    assert loaded.returncode == 0, loaded.stderr


def _build(log: Path) -> None:
    store = SqliteStore(log)
    build(store.log, Generations(log.parent), because="of tests")
    store.close()


@contextmanager
def _alone() -> Iterator[None]:
    _FOLDER.mkdir(parents=True, exist_ok=True)
    with (_FOLDER.parent / "million-lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _changed(name: str, patterns: Iterable[str]) -> bool:
    kept = _FOLDER / f"{name}.key"
    return not kept.exists() or kept.read_text() != _digest(patterns)


def _keep(name: str, patterns: Iterable[str]) -> None:
    (_FOLDER / f"{name}.key").write_text(_digest(patterns))


def _digest(patterns: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for path in sorted(path for pattern in patterns for path in _ROOT.glob(pattern)):
        digest.update(f"{path.relative_to(_ROOT)}\n".encode() + path.read_bytes())
    return digest.hexdigest()
