"""JSON laid out to be read, with every sign of it as it was sent: numbers, doubled names and all."""

import json
import re

_MARKS = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')

#: What is nested deeper is not laid out: each level indents all that is in it.
_DEEPEST = 40

_INDENT = "  "


def pretty(text: str) -> str | None:
    """Return a JSON object or array, one member a line; None for anything else."""
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return None
    return _laid_out(_MARKS.findall(text))


def _laid_out(marks: list[str]) -> str | None:
    parts: list[str] = []
    depth = 0
    for place, mark in enumerate(marks):
        before, after = marks[place - 1] if place else "", marks[place + 1 : place + 2]
        if mark in ("}", "]"):
            depth -= 1
            parts.append(mark if before in ("{", "[") else f"{_line(depth)}{mark}")
        elif mark in ("{", "["):
            depth += 1
            parts.append(mark if after in (["}"], ["]"]) else f"{mark}{_line(depth)}")
        elif mark == ",":
            parts.append(f",{_line(depth)}")
        else:
            parts.append(": " if mark == ":" else mark)
        if depth > _DEEPEST:
            return None
    return "".join(parts)


def _line(depth: int) -> str:
    return f"\n{_INDENT * depth}"
