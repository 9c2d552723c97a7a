"""Appending to an action's output."""

from typing import NamedTuple

import msgspec

from deedbook.domain.commands import AppendOutput
from deedbook.domain.results import Appended
from deedbook.web.call import NDJSON, REQUEST_BODY, Call, Reply
from deedbook.web.courier import Courier
from deedbook.web.problems import Problem, bad
from deedbook.web.wire import LINES, OutputLineRequest, OutputRequest, decoded, lines_of, too_many_lines


class Output(NamedTuple):
    """Takes the lines that workers write."""

    courier: Courier

    async def append(self, call: Call) -> Reply:
        """Add lines to an action's output, all or none, and tell their numbers."""
        action = call.action
        is_ndjson = call.media() == NDJSON
        body = await call.body(REQUEST_BODY)
        lines = _ndjson(body) if is_ndjson else decoded(body, OutputRequest).lines
        command = AppendOutput(id=action, namespace=call.namespace, lines=lines_of(lines))
        once = call.once(b"append", action, lines)
        answer = await self.courier.perform(command, once)
        if not isinstance(answer.result, Appended):
            raise TypeError("the answer to an append is no append")
        told = {"first": answer.result.first, "count": answer.result.count}
        return Reply(200, msgspec.json.encode(told), answer.position)


def _ndjson(body: bytes) -> tuple[OutputLineRequest | str, ...]:
    lines: list[OutputLineRequest | str] = []
    for number, text in enumerate(body.split(b"\n"), 1):
        if text.strip():
            try:
                lines.append(decoded(text, OutputLineRequest | str))  # type: ignore[arg-type]  # a union is a type to msgspec
            except Problem as problem:
                raise bad(f"Line {number}: {problem}") from None
            if len(lines) > LINES:
                raise too_many_lines()
    if not lines:
        raise bad("There is no line in the body.")
    return tuple(lines)
