"""Large stores with their views, made once: kept in a folder that `--store` names, they are there for the next run."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from deedbook.domain.errors import Unavailable
from deedbook.domain.store.sqlite import SqliteStore
from deedbook.projections.action_query import ActionQuery
from deedbook.projections.generations import Generations
from deedbook.projections.progress import Progress
from deedbook.projections.reader import Reader
from deedbook.projections.rebuild import build
from deedbook.projections.versions import VIEWS
from tests.benchmarks.filling import NAMESPACE, fill


@contextmanager
def place(kept: Path | None) -> Iterator[Path]:
    """Give the folder of stores that are kept, or one that is gone afterwards."""
    if kept is not None:
        yield kept
        return
    with TemporaryDirectory() as name:
        yield Path(name)


def store_of(stores: Path, actions: int) -> Path:
    """Return the folder of a store with so many actions and their views, which are made where they are missing."""
    folder = stores / str(actions)
    whole = folder / "filled"
    if not whole.exists():
        folder.mkdir(parents=True)
        fill(folder, actions).close()
        whole.touch()
    if not _answers(folder, actions):
        rebuild(folder)
    if not _answers(folder, actions):
        raise RuntimeError(f"the views in {folder} are not whole")
    return folder


@contextmanager
def viewed(folder: Path, actions: int) -> Iterator[Reader]:
    """Fill a folder with a store of so many actions, build their views, and give who reads them."""
    fill(folder, actions).close()
    rebuild(folder)
    reader = Reader(Generations(folder))
    try:
        yield reader
    finally:
        reader.close()


def rebuild(folder: Path, progress: Callable[[Progress], None] = lambda _: None) -> int:
    """Build the views of a store from its log, and return the log's head."""
    store = SqliteStore(folder / "log.db")
    try:
        build(store.log, Generations(folder), progress=progress)
        return store.log.head()
    finally:
        store.close()


def _answers(folder: Path, actions: int) -> bool:
    """Tell whether the views are of this release and hold every action that was filled in: keys bring others."""
    reader = Reader(Generations(folder))
    try:
        with reader.snapshot() as snapshot:
            is_ours = dict(snapshot.versions) == {view.name: view.version for view in VIEWS}
            return is_ours and snapshot.actions(ActionQuery(namespace=NAMESPACE)).total == actions
    except Unavailable:
        return False
    finally:
        reader.close()
