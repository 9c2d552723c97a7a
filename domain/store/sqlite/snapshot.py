"""A whole embedded store at one moment, for `verify`: one read transaction, on a connection that changes nothing."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from deedbook.domain.errors import StoreFailed, StoreUnusable
from deedbook.domain.finding import Finding
from deedbook.domain.store.sql.whole import SqlWhole
from deedbook.domain.store.sqlite.asking import SqliteAsked
from deedbook.domain.store.sqlite.read_only import ReadOnly
from deedbook.domain.store.sqlite.schema import STATEMENTS, refuse_foreign

#: Of a database that is broken all over, so many faults are told.
_FAULTS = 100

#: The code of a finding about something of this type in `sqlite_master`.
_CODES = {"trigger": "trigger", "table": "schema", "index": "schema"}


class SqliteSnapshot(SqlWhole):
    """See `Snapshot`."""

    def __init__(self, path: Path) -> None:
        """Open the store in a file that is there; raises `StoreUnusable` where it is none, or of a newer version."""
        if not path.is_file():
            raise StoreUnusable(f"{path} is no file; name the log.db of a store.")
        try:
            self._file = ReadOnly(path)
            self._db = self._file.db
            application, version = (self._db.execute(f"PRAGMA {name}").fetchone()[0] for name in _HEADER)
        except (sqlite3.Error, OSError) as error:
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_NOTADB:
                raise StoreUnusable(f"{path} is no Deedbook store ({error}); name another file.") from error
            raise StoreUnusable(f"The store {path} can't be read ({error}); see to its permissions.") from error
        refuse_foreign(path, application, version)
        self._reader = _Reader(self._db)
        super().__init__(self._reader)

    def is_true(self) -> bool:
        """See `ReadOnly.is_true`."""
        return self._file.is_true()

    def faults(self) -> Iterator[Finding]:
        """See `Snapshot.faults`."""
        with closing(sqlite3.connect(":memory:")) as fresh:
            for statement in STATEMENTS:
                fresh.execute(statement)
            must = _made(fresh.execute)
        there = _made(self._reader.each)
        for name, (kind, statement) in must.items():
            if name not in there:
                yield Finding(None, _CODES[kind], f"the {kind} {name} is missing")
            elif there[name] != (kind, statement):
                yield Finding(None, _CODES[kind], f"the {kind} {name} is not as Deedbook made it")
        for name, (kind, _) in there.items():
            if kind == "trigger" and name not in must:
                yield Finding(None, "trigger", f"the trigger {name} is none of Deedbook's")
        for (fault,) in self._reader.each(f"PRAGMA integrity_check({_FAULTS})"):
            if fault != "ok":
                yield Finding(None, "file", f"SQLite finds its file broken: {fault}")

    def close(self) -> None:
        """End the transaction."""
        self._file.close()


class _Reader(SqliteAsked):
    """Asks the file that is open."""

    def each(self, statement: str, parameters: Sequence[object] = ()) -> Iterator[Any]:
        """See `Asked.each`; raises `StoreFailed`."""
        with _errors_told():
            yield from super().each(statement, parameters)

    def text(self, stored: Any) -> str:  # noqa: ANN401  # whatever somebody has put there
        """Return it as it is: what is no text is for the check to see."""
        return stored  # type: ignore[no-any-return]  # as the docstring says


@contextmanager
def _errors_told() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StoreFailed(f"The store can't be read any further ({error}).") from error


_HEADER = ("application_id", "user_version")


# Any: as above.
def _made(ask: Any) -> dict[str, tuple[str, str]]:  # noqa: ANN401
    """Return what a database is made of, by name; what SQLite makes by itself has no statement."""
    rows = ask("SELECT name, type, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")
    return {name: (kind, statement) for name, kind, statement in rows}
