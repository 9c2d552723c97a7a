"""A channel without a network."""

import asyncio

from starlette.types import Message


class Kept:
    """Keeps what it is sent."""

    transport = "sse"

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    @property
    def texts(self) -> list[str]:
        """What it was sent, as text."""
        return [piece.decode() for piece in self.pieces]

    async def receive(self) -> Message:
        """Wait for ever."""
        await asyncio.Event().wait()
        return {}

    async def open(self) -> None:
        """Begin."""

    async def send(self, piece: bytes) -> None:
        """Keep a piece."""
        self.pieces.append(piece)

    async def close(self, code: int, reason: str) -> None:
        """End."""

    def hang_up(self, code: int, reason: str) -> None:
        """End."""
