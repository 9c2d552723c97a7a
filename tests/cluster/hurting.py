"""What may befall a node of the cluster."""

import signal
from collections.abc import Callable, Mapping
from typing import Literal

from tests.cluster.member import Member

Hurt = Literal["killed", "paused"]


def _kill(member: Member) -> None:
    member.kill()


def _pause(member: Member) -> None:
    member.send(signal.SIGSTOP)


#: Killed: everything on the machine is gone at once. Paused: it loses its lease without knowing, and may come back.
HURTS: Mapping[Hurt, Callable[[Member], None]] = {"killed": _kill, "paused": _pause}
