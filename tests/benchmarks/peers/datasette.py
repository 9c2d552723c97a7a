"""Datasette over a table that holds what the action list does, as plain columns, with an index for each filter."""

import sqlite3
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl, urlencode

from deedbook.projections.generations import Generations
from tests.benchmarks.peers.process import listening
from tests.support.server import free_port

#: Each column, from an action's JSON.
_COLUMNS = (
    "uuid", "object", "action", "method", "path", "user", "user_agent", "start_date", "end_date", "created", "state",
    "ip", "location", "is_user_action", "can_be_canceled", "can_be_retried", "body", "retry_of", "duration",
)  # fmt: skip

#: The filters of a list that are columns: of a related object, the table knows nothing.
_FILTERS: Mapping[str, str] = {
    **{name: name for name in ("state", "user", "action", "method", "ip", "user_agent", "object")},
    "is_user_action": "is_user_action",
    "start_date__gte": "start__gte",
    "start_date__lte": "start__lte",
}
_INDEXED = ("state", "user", "action", "method", "ip", "user_agent", "object", "is_user_action")


def equal(folder: Path) -> Path:
    """Return a database with the table, made of a store's views where it is missing."""
    made = folder / "equal.db"
    if made.exists():
        return made
    building = folder / "equal.building"
    building.unlink(missing_ok=True)
    db = sqlite3.connect(building, isolation_level=None)
    views = Generations(folder).current()
    db.execute("PRAGMA main.journal_mode = OFF")
    db.execute("PRAGMA main.synchronous = OFF")
    db.execute("ATTACH ? AS views", (str(views),))
    columns = ", ".join(_COLUMNS)
    values = ", ".join(f"json_extract(json, '$.{name}')" for name in _COLUMNS)
    db.execute(f"CREATE TABLE actions (id INTEGER PRIMARY KEY, start TEXT, {columns})")
    db.execute(
        "INSERT INTO actions SELECT id, strftime('%Y-%m-%dT%H:%M:%SZ', sort / 1000000, 'unixepoch'), "  # noqa: S608  # our columns
        f"{values} FROM views.actions JOIN views.documents USING (id) ORDER BY id"
    )
    db.execute("CREATE INDEX by_start ON actions (start)")
    for name in _INDEXED:
        db.execute(f"CREATE INDEX by_{name} ON actions ({name}, start)")
    db.execute("ANALYZE")
    db.close()
    return building.rename(made)


class Datasette:
    """Datasette's server, without facets and without counts, which cost it most."""

    def __init__(self, table: Path) -> None:
        self._port = free_port()
        settings = {"suggest_facets": "off", "allow_facet": "off", "sql_time_limit_ms": "20000"}
        self._running = listening(
            [sys.executable, "-m", "datasette", "serve", str(table), "--port", str(self._port),
             *(word for setting in settings.items() for word in ("--setting", *setting))], self._port,
        )  # fmt: skip

    def __enter__(self) -> Self:
        self._running.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.__exit__(kind, error, trace)

    def url(self, question: str) -> str | None:
        """Return where the same is asked; None where the table can't tell it."""
        asked = dict(parse_qsl(question))
        order = "_sort_desc" if asked.pop("order_by", "").startswith("-") else "_sort"
        if not set(asked) <= set(_FILTERS):
            return None
        filters = {_FILTERS[name]: "1" if value == "true" else value for name, value in asked.items()}
        parameters = {**filters, order: "start", "_size": 25, "_shape": "objects", "_nofacet": 1, "_nocount": 1}
        return f"http://127.0.0.1:{self._port}/equal/actions.json?{urlencode(parameters)}"
