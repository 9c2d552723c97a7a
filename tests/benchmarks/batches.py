"""Batches of a thousand actions over HTTP, beside raw sqlite3 that inserts the same rows into the same table."""

import os
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx

from deedbook.domain.store.sqlite.schema import STATEMENTS
from tests.benchmarks.recording import BODY, caught_up
from tests.benchmarks.report import Report
from tests.benchmarks.turns import take_turns
from tests.support.server import Server, serving

#: Actions in a request, and rows in a commit.
LINES = 1000

#: A row of the table, all but its position, aggregate and leaf.
Row = tuple[int, bytes, int, str, int, bytes, bytes]


def measure(report: Report, seconds: int = 10, turns: int = 3) -> None:
    """Let both take turns, and count afterwards whether every action is there; in the views a second after the last."""
    with (
        tempfile.TemporaryDirectory() as name,
        serving(Path(name)) as server,
        closing(_raw(Path(name) / "raw.db")) as raw,
    ):
        _compare(report, server, raw, seconds, turns)


def _compare(report: Report, server: Server, raw: sqlite3.Connection, seconds: int, turns: int) -> None:
    body = b"\n".join([BODY.encode()] * LINES)
    answered = [0]
    with server.client() as client:

        def batches() -> float:
            began, count = time.perf_counter(), 0
            while time.perf_counter() < began + seconds:
                count += _post(client, body)
            answered.append(count)
            rate = count / (time.perf_counter() - began)
            caught_up(server)
            return rate

        batches()
        state = _state(Path(server.url.removeprefix("sqlite:///")))
        taken = take_turns({"raw": lambda: _insert(raw, state, seconds), "batches": batches}, turns)
        total = client.get("/acme/action/", params={"limit": 1}).json()["meta"]["total_count"]
    if total != sum(answered):
        raise RuntimeError(f"{sum(answered)} were answered, {total} are there")
    report.add(f"batches of {LINES:,} over HTTP, of raw executemany", f"{taken.told('batches')} of {taken.told('raw')}",
               taken.ratio("batches", "raw"), ">= 0.35", **taken._asdict())  # fmt: skip
    report.add(f"batches of {LINES:,} over HTTP", taken.told("batches", " actions/s"), None, ">= 20,000")


def _post(client: httpx.Client, body: bytes) -> int:
    answer = client.post("/action/", content=body, headers={"Content-Type": "application/x-ndjson"}).raise_for_status()
    count = answer.content.count(b'"status":201')
    if count != LINES:
        raise RuntimeError(answer.text[:1000])
    return count


def _state(log: Path) -> bytes:
    """Return the bytes of an event of these batches, as they are stored."""
    with closing(sqlite3.connect(log)) as store:
        state: bytes = store.execute("SELECT state FROM events ORDER BY position DESC LIMIT 1").fetchone()[0]
    return state


def _raw(file: Path) -> sqlite3.Connection:
    """Return a connection to a new file with the tables and triggers of a store, as durable as one."""
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA wal_autocheckpoint = 4000")
    for statement in STATEMENTS:
        connection.execute(statement)
    return connection


def _insert(connection: sqlite3.Connection, state: bytes, seconds: int) -> float:
    """Insert rows that are ready, `LINES` in a commit; return rows a second."""
    began = time.perf_counter()
    first = position = connection.execute("SELECT coalesce(max(position), 0) FROM events").fetchone()[0]
    taken = 0.0
    while time.perf_counter() < began + seconds:
        rows = list(_rows(position, state))
        started = time.perf_counter()
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        connection.execute("COMMIT")
        taken += time.perf_counter() - started
        position += LINES
    held = connection.execute("SELECT count(*) FROM events").fetchone()[0]
    if held != position:
        raise RuntimeError(f"{position} rows were inserted, {held} are there")
    return float((position - first) / taken)


def _rows(position: int, state: bytes) -> Iterator[Row]:
    for number in range(position + 1, position + LINES + 1):
        yield number, os.urandom(16), 1, "action.recorded/1", time.time_ns() // 1000, state, os.urandom(32)
