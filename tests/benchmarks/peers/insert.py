"""One raw durable SQLite insert behind an HTTP endpoint: the least that recording one action by itself can cost here.

Starlette and sqlite3 on the same uvicorn, WAL and `synchronous = FULL`; the body is decoded, as ours is, and inserted
as it came. `HOW` is `loop` or `thread`: where the insert runs.

    python -m tests.benchmarks.peers.insert PORT FILE HOW
"""

import asyncio
import sqlite3
import sys
from concurrent.futures import ThreadPoolExecutor

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


def opened(file: str) -> sqlite3.Connection:
    """Open the file, with its one table."""
    connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE IF NOT EXISTS rows (id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT")
    return connection


def application(connection: sqlite3.Connection, how: str) -> Starlette:
    """Return the application."""
    thread = ThreadPoolExecutor(1)

    def insert(body: bytes) -> None:
        connection.execute("INSERT INTO rows (body) VALUES (?)", (body,))

    async def post(request: Request) -> Response:
        body = await request.body()
        msgspec.json.decode(body)
        if how == "loop":
            insert(body)
        else:
            await asyncio.get_running_loop().run_in_executor(thread, insert, body)
        return Response(b"{}", 201, media_type="application/json")

    return Starlette(routes=[Route("/", post, methods=["POST"])])


if __name__ == "__main__":
    uvicorn.run(
        application(opened(sys.argv[2]), sys.argv[3]), port=int(sys.argv[1]), access_log=False, log_level="warning",
        loop="uvloop", http="httptools",
    )  # fmt: skip
