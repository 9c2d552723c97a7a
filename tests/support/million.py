"""A million actions of three months, as people and machines make them, and a little of everything that is still open.

All comes from a seed, and through the application as any other: the log is one that a server could have written.
"""

import random
from collections.abc import Iterator, Sequence
from itertools import accumulate, islice
from typing import NamedTuple
from uuid import UUID

from deedbook.domain.audit_log import AuditLog
from deedbook.domain.commands import (
    AppendOutput,
    Finish,
    ImportAction,
    Line,
    RecordAction,
    RequestCancel,
    Retry,
    SaveSearch,
)
from deedbook.domain.events import Caller
from deedbook.domain.lifecycle import State
from deedbook.domain.results import Command
from tests.support.giving import give
from tests.support.objects import objects, relationships, service

NAMESPACE = "acme"
BY = Caller("shipyard-ci", "192.0.2.15", "go-dockercloud/1.0")

#: From 15 April 2026 to the morning of 14 July, in microseconds, when the sample log goes on.
SINCE, UNTIL = 1_776_211_200_000_000, 1_783_987_200_000_000
_DAY, _SECOND = 86_400_000_000, 1_000_000

#: An action with 100,000 lines of output, one a second; and the time before the first, in Berlin 13:18:40 on 14 July.
LONG, LINES, BEGAN = UUID("0a0a0a0a-0000-4000-8000-000000000000"), 100_000, 1_784_027_920

#: An action that runs, one that waits behind it, and one that failed, whose retry failed too and is tried once more.
RUNS = UUID("0a0a0a0b-0000-4000-8000-000000000000")
WAITS = UUID("0a0a0a0c-0000-4000-8000-000000000000")
RETRIED = UUID("0a0a0a0d-0000-4000-8000-000000000000")

SEARCHES = {"Failures of machines": "state=Failed&is_user_action=false", "What runs": "state=In+progress"}

#: Each operation with its method, and how often it comes.
_OPERATIONS = {
    ("Service Scale", "PATCH"): 20, ("Service Redeploy", "POST"): 18, ("Container Start", "POST"): 16,
    ("Container Stop", "POST"): 14, ("Service Update", "PATCH"): 12, ("Stack Redeploy", "POST"): 6,
    ("Container Terminate", "DELETE"): 5, ("Node Health Check", "POST"): 4, ("Stack Update", "PATCH"): 3,
    ("Registry Create", "POST"): 1, ("Node Docker Upgrade", "POST"): 1,
}  # fmt: skip

_FIRST = ("lena", "jonas", "marta", "ada", "björn", "chen", "dalia", "emre", "fatou", "goran", "hana", "ivan")
_USERS = (*_FIRST, *(f"{name}.{team}" for team in ("core", "edge", "data", "shop", "ops") for name in _FIRST))
_AGENTS = (
    "python-dockercloud/1.0.12", "docker-cloud/1.0.9", "go-dockercloud/1.0",
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
)  # fmt: skip
_PLACES = ("Hamburg, Germany", "Lisbon, Portugal", "New York, USA", "unknown")

#: Of the hours of a day, in UTC: how much is done in each.
_HOURS = tuple(accumulate((2, 1, 1, 1, 2, 4, 9, 14, 17, 18, 17, 13, 12, 15, 17, 16, 13, 9, 6, 5, 4, 4, 3, 2)))


def fill(audit_log: AuditLog, actions: int) -> None:
    """Record so many actions that ended, in the order of their dates, and then those that are still open."""
    give(audit_log, relationships(NAMESPACE, BY))
    several = ended(actions)
    while chunk := list(islice(several, 5000)):
        give(audit_log, chunk)
    for commands in (_open(), _retries(), _searches()):
        give(audit_log, list(commands))
    write_long(audit_log)


def ended(actions: int) -> Iterator[Command]:
    """Yield so many actions of the past; one in a hundred retries one that failed before it."""
    rng = random.Random(26)
    drawn = _Drawn.of(rng)
    failed = [UUID(int=0, version=4)]
    for number in range(actions):
        state = _state(rng.random())
        start = _moment(number / actions)
        retry_of = rng.choice(failed) if rng.random() < 0.01 and number > 1000 else None
        # Ascending, over the whole range: indexes by id are then written from left to right.
        id_ = UUID(int=(number << 96) // actions << 32 | rng.getrandbits(32), version=4)
        made = _made(rng, drawn, id_, state=state, start=start, retry_of=retry_of)
        if state is State.FAILED:
            failed[len(failed) % 64 :] = [made.id]
        yield made


def write_long(audit_log: AuditLog) -> None:
    """Record the action that writes much: it runs, and each line has a colour, its number, and some words or none."""
    audit_log.perform(_recording(LONG, State.IN_PROGRESS, service(1)))
    for first in range(1, LINES, 10_000):
        lines = tuple(
            Line(f"\x1b[32mline\x1b[0m {number} " + "lorem " * (number % 40), BEGAN + number)
            for number in range(first, first + 10_000)
        )
        audit_log.perform(AppendOutput(id=LONG, namespace=None, lines=lines))


class _Drawn(NamedTuple):
    """What actions are drawn from: each value in a list, as often as it comes."""

    operations: Sequence[tuple[str, str]]
    objects: Sequence[str]
    users: Sequence[str]

    @classmethod
    def of(cls, rng: random.Random) -> "_Drawn":
        operations, uris = list(_OPERATIONS), objects()
        return cls(
            rng.choices(operations, list(_OPERATIONS.values()), k=4096),
            # A few of them are worked on most of the time.
            [uris[int(len(uris) * rng.random() ** 3)] for _ in range(65_536)],
            [_USERS[int(len(_USERS) * rng.random() ** 2)] for _ in range(4096)],
        )


def _made(
    rng: random.Random, drawn: _Drawn, id_: UUID, *, state: State, start: int, retry_of: UUID | None
) -> ImportAction:
    bits = rng.getrandbits(64)
    action, method = drawn.operations[bits & 4095]
    uri = drawn.objects[bits >> 12 & 65_535]
    address = bits >> 28 & 255
    is_system = bits >> 36 & 3 == 0
    return ImportAction(
        id=id_,
        namespace=NAMESPACE,
        by=BY,
        action=action,
        method=method,
        path=f"{uri}{action.split()[-1].lower()}/",
        state=state,
        object=uri,
        body='{"target_num_containers": 3}' if action == "Service Scale" else None,
        user=None if is_system else drawn.users[bits >> 40 & 4095],
        user_agent=None if is_system else _AGENTS[bits >> 52 & 3],
        ip=None if is_system else f"203.0.113.{address}",
        location="unknown" if is_system else _PLACES[address >> 6],
        is_user_action=not is_system,
        created=start,
        start=start,
        end=start + 1 + int(rng.expovariate(1 / 20) * _SECOND),
        retry_of=retry_of,
    )


def _state(drawn: float) -> State:
    if drawn < 0.88:
        return State.SUCCESS
    return State.FAILED if drawn < 0.97 else State.CANCELED


def _moment(share: float) -> int:
    """Return the date by which a share of all actions has begun: much by day, little by night."""
    days, rest = divmod(share * ((UNTIL - SINCE) // _DAY), 1)
    done = rest * _HOURS[-1]
    hour = next(hour for hour, until in enumerate(_HOURS) if done < until)
    before = _HOURS[hour - 1] if hour else 0
    part = (done - before) / (_HOURS[hour] - before)
    return SINCE + int(days) * _DAY + int((hour + part) * 3600 * _SECOND)


def _recording(id_: UUID, state: State, uri: str, start: int | None = UNTIL) -> RecordAction:
    return RecordAction(
        id=id_, namespace=NAMESPACE, by=BY, action="Service Redeploy", method="POST", path=f"{uri}redeploy/",
        state=state, object=uri, user="lena", user_agent=_AGENTS[0], ip="203.0.113.87", location=_PLACES[0],
        start=start, end=start if state is State.FAILED else None,
    )  # fmt: skip


def _open() -> Iterator[Command]:
    """Yield what runs, what waits behind it, and what is being canceled."""
    yield _recording(RUNS, State.IN_PROGRESS, service(2))
    yield _recording(WAITS, State.PENDING, service(2), None)
    for number in range(3, 40):
        id_ = UUID(int=number << 96 | 0x4000_8000_0000_0000_0000, version=4)
        yield _recording(id_, State.IN_PROGRESS, service(number), UNTIL + number * _SECOND)
        if number % 4 == 0:
            yield RequestCancel(id=id_, namespace=NAMESPACE, by=BY)
        elif number % 4 == 1:
            yield _recording(UUID(int=id_.int + 1, version=4), State.PENDING, service(number), None)


def _retries() -> Iterator[Command]:
    """Yield an action that failed, one that retried it and failed too, and one that does so again and runs."""
    yield _recording(RETRIED, State.FAILED, service(40))
    again, once_more = (UUID(int=RETRIED.int + (number << 96), version=4) for number in (1, 2))
    yield Retry(id=RETRIED, namespace=NAMESPACE, by=BY, retry=again)
    yield Finish(id=again, namespace=NAMESPACE, by=BY, state=State.FAILED, reason="503 from /ready")
    yield Retry(id=again, namespace=NAMESPACE, by=BY, retry=once_more)


def _searches() -> Iterator[Command]:
    for name, query in SEARCHES.items():
        yield SaveSearch(namespace=NAMESPACE, name=name, query=query, by=BY)
