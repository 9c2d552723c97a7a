"""Who follows a stream now: bounds on how many, and an eye on those that must go."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from uuid import UUID

from deedbook.domain.errors import DeedbookError
from deedbook.domain.keys import ApiKey
from deedbook.web.auth import Keyring
from deedbook.web.channels import REVOKED, TOO_SLOW, Channel, Gone
from deedbook.web.problems import Problem

#: How often followers are looked at, in seconds: a revoked key's streams are closed within a second.
ROUND = 0.5

_log = logging.getLogger(__name__)


class Follower:
    """One open stream: `where` tells how to resume behind what was sent last."""

    def __init__(self, channel: Channel, key: ApiKey, where: Callable[[], str]) -> None:
        self.key = key
        self.where = where
        self.transport = channel.transport
        self._channel = channel
        self._loop = asyncio.get_running_loop()
        self._sending_since: float | None = None
        self.is_hung_up = False

    async def send(self, piece: bytes) -> None:
        """Send a piece, as soon as the client takes it; raises `Gone` once it is gone."""
        if self.is_hung_up:
            raise Gone
        self._sending_since = self._loop.time()
        await self._channel.send(piece)
        self._sending_since = None

    def stuck(self) -> float:
        """Return for how many seconds the client has not taken a piece."""
        return 0.0 if self._sending_since is None else self._loop.time() - self._sending_since

    def hang_up(self, code: int, reason: str) -> None:
        """Close the stream, whether the client reads or not."""
        self.is_hung_up = True
        self._channel.hang_up(code, reason)


class Followers:
    """All open streams of this process."""

    def __init__(self, keyring: Keyring, per_key: int, patience: float) -> None:
        self._keyring = keyring
        self._per_key = per_key
        self._patience = patience
        self._open: set[Follower] = set()
        self._count: Counter[UUID] = Counter()
        #: How many were hung up on, by why.
        self.dropped = dict.fromkeys(("revoked", "too_slow"), 0)

    def check(self, key: ApiKey) -> None:
        """Raise the 429 where a key has as many open streams as it may."""
        if self._count[key.id] >= self._per_key:
            raise Problem(
                429,
                f"This API key has {self._per_key:,} open streams, and may not have more; close some.",
                reason="too_many_streams",
            )

    def enter(self, follower: Follower) -> None:
        """Count a stream that was opened."""
        self._open.add(follower)
        self._count[follower.key.id] += 1

    def leave(self, follower: Follower) -> None:
        """Count one less."""
        self._open.discard(follower)
        self._count[follower.key.id] -= 1
        if not self._count[follower.key.id]:
            del self._count[follower.key.id]

    def by_transport(self) -> Mapping[str, int]:
        """Return how many streams are open, by what they are sent through; from the event loop."""
        return Counter(follower.transport for follower in self._open)

    async def watch(self) -> None:
        """Close the streams of revoked keys and of clients that do not read, until cancelled."""
        while True:
            await asyncio.sleep(ROUND)
            try:
                self._look()
            except DeedbookError as error:
                _log.warning("The API keys can't be looked at: %s", error)

    def _look(self) -> None:
        if self._open:
            self._keyring.refresh(at_once=True)
        for follower in list(self._open):
            if not self._keyring.is_valid(follower.key):
                self._drop(follower, "revoked", REVOKED, "this API key was revoked")
            elif follower.stuck() > self._patience:
                self._drop(follower, "too_slow", TOO_SLOW, f"read too slowly; resume with {follower.where()}")

    def _drop(self, follower: Follower, word: str, code: int, reason: str) -> None:
        if not follower.is_hung_up:
            self.dropped[word] += 1
        follower.hang_up(code, reason)
