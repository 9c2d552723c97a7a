"""Long histories in which much waits, starts, is canceled and retried: from a seed, since they need what is open."""

import random
from typing import Any
from uuid import UUID

from deedbook.domain.audit_log import AuditLog
from deedbook.domain.commands import EndParent, Finish, ImportAction, RecordAction, RequestCancel, Retry, StateParent
from deedbook.domain.errors import DeedbookError
from deedbook.domain.lifecycle import FINAL, State
from deedbook.domain.results import Command, Recorded
from deedbook.domain.testing.sequences import AGENTS, BY, IPS, METHODS, OBJECTS, OPERATIONS, USERS

DATE = 1_400_000_000_000_000


def live_busily(audit_log: AuditLog, seed: int, steps: int, namespaces: list[str]) -> None:
    """Give so many commands, most of them about what is open on few objects; refusals leave no trace."""
    rng = random.Random(seed)
    states: dict[UUID, State] = {}
    for number in range(1, steps + 1):
        command = _command(rng, UUID(int=rng.getrandbits(128), version=4), states, namespaces)
        try:
            result = audit_log.perform(command).result
        except DeedbookError:
            continue
        if isinstance(result, Recorded):
            states[result.action.id] = result.action.state
        elif isinstance(command, ImportAction):
            states[command.id] = command.state
        if number % 40 == 0:
            _forget_some(rng, states)


def _command(rng: random.Random, new: UUID, states: dict[UUID, State], namespaces: list[str]) -> Command:
    namespace = rng.choice(namespaces)
    roll = rng.random()
    if roll < 0.45 or not states:
        return _recording(rng, new, namespace)
    is_open = rng.random() < 0.8
    known = rng.choice([action for action, state in states.items() if (state in FINAL) != is_open] or list(states))
    if roll < 0.75:
        state = rng.choice([State.SUCCESS, State.FAILED, State.CANCELED])
        return Finish(id=known, namespace=None, by=BY, state=state)
    if roll < 0.85:
        return RequestCancel(id=known, namespace=None, by=BY)
    if roll < 0.9:
        return Retry(id=known, namespace=None, by=BY, retry=new)
    kind = StateParent if roll < 0.97 else EndParent
    parent, child = rng.sample(OBJECTS, 2)
    return kind(namespace=namespace, parent=parent, child=child, by=BY)


def _recording(rng: random.Random, new: UUID, namespace: str) -> Command:
    # Any: the fields of a command.
    what: dict[str, Any] = {
        "id": new, "namespace": namespace, "by": BY, "action": rng.choice(OPERATIONS), "method": rng.choice(METHODS),
        "path": "/", "user": rng.choice(USERS), "ip": rng.choice(IPS), "user_agent": rng.choice(AGENTS),
        "is_user_action": rng.random() < 0.5,
        "object": rng.choice([*OBJECTS[:2], *OBJECTS]), "can_be_canceled": rng.random() < 0.9,
        "body": rng.choice([None, "{}", "x" * 5000]),
    }  # fmt: skip
    date = DATE + rng.randrange(4) * 1_000_000
    if rng.random() < 0.15:
        start, end = rng.choice([None, date]), rng.choice([None, date + 1])
        return ImportAction(**what, state=rng.choice(list(State)), created=date, start=start, end=end)
    state = rng.choices([State.PENDING, State.IN_PROGRESS, State.SUCCESS, State.FAILED], [8, 1, 1, 1])[0]
    return RecordAction(**what, state=state, start=date if state in (State.SUCCESS, State.FAILED) else None)


def _forget_some(rng: random.Random, states: dict[UUID, State]) -> None:
    """Leave some actions alone for ever, whatever they are."""
    for action in rng.sample(list(states), len(states) // 5):
        del states[action]
