"""The least that an answer can cost here: a Starlette application on the same uvicorn that does nothing.

Its POST decodes the body; its GET sends `SIZE` bytes that are ready.

    python -m tests.benchmarks.peers.empty PORT SIZE
"""

import sys

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


def application(size: int) -> Starlette:
    """Return the application; its GET answers with so many bytes."""
    ready = b"{" + b" " * (size - 2) + b"}"

    async def post(request: Request) -> Response:
        msgspec.json.decode(await request.body())
        return Response(b"{}", 201, media_type="application/json")

    async def get(_: Request) -> Response:
        return Response(ready, media_type="application/json")

    return Starlette(routes=[Route("/", post, methods=["POST"]), Route("/", get, methods=["GET"])])


if __name__ == "__main__":
    uvicorn.run(
        application(int(sys.argv[2])), port=int(sys.argv[1]), access_log=False, log_level="warning",
        loop="uvloop", http="httptools",
    )  # fmt: skip
