"""What a contract test knows of an engine: a place where a store is kept, which can be opened again and again."""

from collections.abc import Callable, Mapping
from pathlib import Path

from deedbook.domain.store.place import Opened as Store
from deedbook.domain.store.place import Place
from deedbook.domain.store.postgres.place import postgres_place
from deedbook.domain.store.sqlite.place import SqlitePlace


def _sqlite(folder: Path) -> Place:
    return SqlitePlace(folder / "log.db")


def _postgres(_folder: Path) -> Place:
    # Not before it is asked for: where PostgreSQL can't be had, the test is skipped.
    from tests.support.postgres import shared_server  # noqa: PLC0415

    return postgres_place(shared_server().database())


#: Every engine, by its name, and how it is given an empty place. Another engine is put under the contract here.
ENGINES: Mapping[str, Callable[[Path], Place]] = {"sqlite": _sqlite, "postgres": _postgres}

__all__ = ["ENGINES", "Place", "Store"]
