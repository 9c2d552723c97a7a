"""Serves the application on a socket, with uvicorn, until a signal ends it."""

import asyncio
import contextlib
import gc
import logging
import signal
import socket
from collections.abc import Callable, Iterator

import uvicorn
import uvloop

from deedbook.web.main import running
from deedbook.web.protocols import FollowerProtocol, HttpProtocol
from deedbook.web.settings import Settings

#: On SIGTERM, open requests and streams get so many seconds. With what uvicorn (0.2), the note of used keys (0.5), a
#: build (1.5), the views (1.5) and the writer (3) may take behind it, where each is held up, it stays below ten.
GRACE = 3

#: New objects between two looks of the garbage collector, usually 700, of which one line to a crowd makes more. Each
#: hundredth look or so goes through all that lives, and nobody is served meanwhile. Measured with 1,000 followers of
#: ten lines a second: it took a fifth of a second, each few seconds; p99 from a line to its last follower was 250 ms,
#: and is 53 now.
_GARBAGE = 20_000


class Server(uvicorn.Server):
    """Ends with exit status 0 on SIGTERM and SIGINT: it did what it was asked."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take signals while serving, and not raise them again afterwards, as uvicorn does."""
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def serve(settings: Settings, listening: socket.socket, ready: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT.

    Then no new requests are taken, what is queued is recorded and answered, and streams close with 1012. `ready` is
    called when the store is open. Raises `StoreUnusable`.
    """
    _quieten()
    uvloop.run(_serve(settings, listening, ready))


async def _serve(settings: Settings, listening: socket.socket, ready: Callable[[], None]) -> None:
    async with running(settings) as app:
        config = uvicorn.Config(
            app,
            http=HttpProtocol,
            ws=FollowerProtocol,
            lifespan="off",
            # Paths may hold a token (`?token=` of the Go package): they are written nowhere.
            access_log=False,
            log_level="warning",
            server_header=False,
            # With deflate, one core sends a tenth of the frames and needs twice the memory.
            ws_per_message_deflate=False,
            ws_max_size=64 * 1024,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=GRACE,
            proxy_headers=False,
        )
        _settle()
        ready()
        await Server(config).serve(sockets=[listening])
        await asyncio.sleep(0)


def _settle() -> None:
    """Let the garbage collector leave alone what stays for as long as the server runs: modules and what is wired."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GARBAGE)


def _quieten() -> None:
    """Keep what clients do wrong out of the log: each refused handshake would write an ERROR line."""
    logging.getLogger("uvicorn.error").addFilter(_is_ours)
    # That a database can't be reached is said once, by the store; its pool would say it at each try to connect.
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)


#: What uvicorn logs of clients that go, or send a handshake that is refused.
_THEIRS = (
    "connection rejected",
    "ASGI callable returned without completing",
    "Unsupported upgrade request",
)


def _is_ours(record: logging.LogRecord) -> bool:
    return not str(record.msg).startswith(_THEIRS)
