"""Clients that record, append, cancel and finish, on whichever node they happen to reach, and remember each answer."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from random import Random
from threading import Event, Lock
from typing import Any

import httpx

from tests.cluster.life import Life, Outcome, Step, lines_of
from tests.support.at_work import at_work
from tests.support.server import Server

#: Longer than a node takes to find out whether a commit was cut off before or behind its end.
_TIMEOUT = 90.0

#: How long each connection rests between two requests of a life, in seconds: the machine does much else.
_REST = 0.02

#: How long a client with an Idempotency-Key goes on repeating, in seconds.
_INSISTING = 120.0

#: Four kinds of lives: how they are recorded, and how they go on.
_STATES = ("Success", "In progress", "In progress", "Pending")
_GOING_ON = ((), ("append", "finish"), ("cancel", "finish"), ("cancel", "finish"))
_PATHS = {"append": "logs", "cancel": "cancel", "finish": "finish"}


def _body(what: str, life: Life) -> dict[str, Any] | None:
    match what:
        case "append":
            return {"lines": lines_of(life)}
        case "finish":
            return {"state": "Canceled" if life.steps[-1].what == "cancel" else "Success"}
        case _:
            return None


class Lives:
    """What 32 connections do to two nodes."""

    def __init__(self, servers: Sequence[Server]) -> None:
        self.servers = servers
        self.lives: list[Life] = []
        #: Answers that nobody should ever get: another status, or a 503 that does not say when to come back.
        self.wrong: list[str] = []
        #: When clients were told 503, and to come back.
        self.turned_away: list[float] = []
        self._lock = Lock()
        limits = httpx.Limits(max_connections=64)
        self._clients = [
            httpx.Client(base_url=server.api, auth=("me", server.key), timeout=_TIMEOUT, limits=limits)
            for server in servers
        ]

    @contextmanager
    def lived(self, connections: int = 32) -> Iterator[None]:
        """Let connections live one life after the other."""
        with at_work(connections, self._live):
            yield

    def close(self) -> None:
        """Hang up."""
        for client in self._clients:
            client.close()

    def steps(self, outcome: Outcome) -> list[Step]:
        """Return all requests of which this became."""
        return [step for life in list(self.lives) for step in list(life.steps) if step.outcome == outcome]

    def resumed(self, since: float) -> float | None:
        """Return when the first request was acknowledged that was sent at `since` or later; None: none was yet."""
        return min((step.answered for step in self.steps("acknowledged") if step.sent >= since), default=None)

    def _live(self, number: int, stop: Event) -> None:
        chance = Random(number)
        count = 0
        while not stop.is_set():
            count += 1
            life = Life(f"{number}-{count}", [])
            with self._lock:
                self.lives.append(life)
            self._live_one(life, number % 4, chance, stop)

    def _live_one(self, life: Life, kind: int, chance: Random, stop: Event) -> None:
        """Live one life, as far as its client knows how it stands."""
        body: dict[str, Any] = {
            "action": life.name, "method": "POST", "path": "/", "state": _STATES[kind], "parents": ["/top/"],
            # Those that may have to wait share an object, and so a lane.
            "object": "/shared/" if _STATES[kind] == "Pending" else f"/own/{life.name}/",
        }  # fmt: skip
        step = self._step(life, "record", "/action/", body, chance)
        for what in _GOING_ON[kind]:
            stop.wait(_REST)
            if step.outcome != "acknowledged" or (what == "finish" and step.answer["state"] == "Canceled"):
                return
            path = f"/action/{life.recorded.answer['uuid']}/{_PATHS[what]}/"
            done = self._step(life, what, path, _body(what, life), chance)
            step = done._replace(answer=step.answer | done.answer)

    def _step(self, life: Life, what: str, path: str, body: dict[str, Any] | None, chance: Random) -> Step:
        key = f"{what} {life.name}" if chance.random() < 0.5 else None
        sent = time.monotonic()
        outcome, answer = self._asked(path, body, key, chance)
        # Whoever has a key repeats until it is done: it can't be done twice.
        while key is not None and outcome != "acknowledged" and time.monotonic() < sent + _INSISTING:
            time.sleep(0.2)
            again, answer = self._asked(path, body, key, chance)
            outcome = again if again != "refused" or outcome == "refused" else "unknown"
        step = Step(what, outcome, answer, sent, time.monotonic())
        life.steps.append(step)
        return step

    def _asked(
        self, path: str, body: dict[str, Any] | None, key: str | None, chance: Random
    ) -> tuple[Outcome, dict[str, Any]]:
        client = chance.choice(self._clients)
        try:
            answer = client.post(path, json=body, headers={} if key is None else {"Idempotency-Key": key})
        except httpx.ConnectError:
            # It was never sent; not all at once to the one that is gone.
            time.sleep(0.2)
            return "refused", {}
        except httpx.TransportError:
            return "unknown", {}
        if answer.status_code in (200, 201, 202):
            return "acknowledged", answer.json()
        if answer.status_code != 503 or "retry-after" not in answer.headers:
            self.wrong.append(f"POST {path} {body} ({key}): {answer.status_code} {answer.text}")
        self.turned_away.append(time.monotonic())
        time.sleep(0.2)
        # The one sentence that says so; every other one says that nothing was done.
        return "unknown" if "may be recorded or not" in answer.text else "refused", {}
