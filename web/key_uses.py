"""Notes when API keys were last used: what this process saw of it, now and then, and when it ends."""

import asyncio
import contextlib
from typing import NamedTuple

from deedbook.domain.commands import NoteUses
from deedbook.domain.errors import DeedbookError
from deedbook.web.auth import Keyring
from deedbook.web.courier import Courier

#: Seconds between two notes: each is a durable transaction.
OFTEN = 60.0

#: Seconds that a note may take; and the last one: a server that ends waits no longer for a store that does not answer.
PATIENCE, LAST = 2.0, 0.5


class KeyUses(NamedTuple):
    """Notes uses through the writer, as commands that leave no event."""

    keyring: Keyring
    courier: Courier

    async def watch(self) -> None:
        """Note what was used, once a minute, until it is cancelled."""
        while True:
            await asyncio.sleep(OFTEN)
            await self.note()

    async def note(self, patience: float = PATIENCE) -> None:
        """Note what was used since the last time; what can't be noted now is lost, and comes with the next use."""
        uses = self.keyring.taken_uses()
        if uses:
            with contextlib.suppress(DeedbookError, TimeoutError):
                async with asyncio.timeout(patience):
                    await self.courier.perform(NoteUses(uses=uses))
