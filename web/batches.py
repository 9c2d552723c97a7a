"""Recording a batch: NDJSON in, NDJSON out, line by line."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import NamedTuple
from uuid import UUID

from deedbook.domain.commands import Once, RecordAction
from deedbook.domain.errors import DeedbookError
from deedbook.domain.lifecycle import FINAL
from deedbook.domain.results import Answer, Recorded
from deedbook.projections.resource import encode, resource_of
from deedbook.web.call import ACTION_BODY, NDJSON, REQUEST_BODY, Call, Reply, digest_of, once, too_large
from deedbook.web.courier import Courier
from deedbook.web.problems import Problem, bad, body_of, problem_of
from deedbook.web.wire import BatchLine, decoded, recording

#: So many lines share a transaction.
CHUNK = 1000


class _Line(NamedTuple):
    """A line of a batch: its number from 1, and its command, or why there is none."""

    number: int
    command: RecordAction | None
    once: Once | None = None
    problem: Problem | None = None


async def record_batch(call: Call, courier: Courier, new_id: Callable[[], UUID]) -> Reply:
    """Record the actions of a batch, each on its own: a bad line harms no other.

    Lines are recorded in order, `CHUNK` in a transaction; the answer tells of each, when all are durable or refused.
    """
    if b"idempotency-key" in call.headers:
        raise bad("A batch takes no Idempotency-Key header; give each line its own, as `idempotency_key`.")
    body = await call.body(REQUEST_BODY)
    lines = _lines(call, body, new_id)
    told: list[bytes] = []
    refused: list[Problem] = []
    position: int | None = None
    while chunk := list(islice(lines, CHUNK)):
        commands = [(line.command, line.once) for line in chunk if line.command is not None]
        try:
            outcomes = iter(await courier.perform_all(commands))
        except DeedbookError as error:
            outcomes = iter([error] * len(commands))
        for line in chunk:
            outcome = next(outcomes) if line.problem is None else line.problem
            if isinstance(outcome, Answer) and isinstance(outcome.result, Recorded):
                position = max(position or 0, outcome.position)
                told.append(_told(line.number, outcome.result))
            else:
                refused.append(_problem(outcome))
                told.append(_told_why(line.number, refused[-1]))
    return Reply(200, b"".join(told), position, content_type=NDJSON, refused=refused)


def _lines(call: Call, body: bytes, new_id: Callable[[], UUID]) -> Iterator[_Line]:
    home, by = call.home, call.caller
    for number, text in _numbered(body.split(b"\n")):
        try:
            if len(text) > ACTION_BODY:
                raise too_large(ACTION_BODY, "an action")
            request = decoded(text, BatchLine)
            key, request.idempotency_key = request.idempotency_key, None
            command = recording(request, new_id(), home, by)
            yield _Line(number, command, None if key is None else once(home, key, digest_of(b"record", request)))
        except Problem as problem:
            yield _Line(number, None, problem=problem)


def _numbered(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Number the lines from 1, and skip blank ones, which are counted."""
    return ((number, line) for number, line in enumerate(lines, 1) if line.strip())


def _told(number: int, recorded: Recorded) -> bytes:
    """Return the line of the answer that tells of one line of the batch."""
    status = 201 if recorded.action.state in FINAL else 202
    return b'{"line":%d,"status":%d,"action":%b}\n' % (number, status, encode(resource_of(recorded.action)))


def _told_why(number: int, problem: Problem) -> bytes:
    """Return the line of the answer that tells why one line of the batch was refused."""
    return b'{"line":%d,"status":%d,%b\n' % (number, problem.status, body_of(str(problem))[1:])


def _problem(outcome: Answer | Exception) -> Problem:
    if isinstance(outcome, Problem):
        return outcome
    if isinstance(outcome, DeedbookError):
        return problem_of(outcome)
    return Problem(500, "Something went wrong here; the server's log says what.")
