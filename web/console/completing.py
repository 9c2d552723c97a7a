"""What a filter that is being typed could become: `deploy user:le` becomes `deploy user:lena`."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from deedbook.domain.lifecycle import State
from deedbook.web.console.typed import TYPED

#: Values that are given, whatever was recorded.
FIXED: Mapping[str, Sequence[str]] = {"state": tuple(map(str, State)), "by": ("people", "system")}

#: Longer values are no help to who types.
_MOST = 200

_VALUE = re.compile(rf'(?<!\S)({"|".join(TYPED)}):(?:"([^"]*)|((?!")\S*))$', re.IGNORECASE)
_NAME = re.compile(r"(?<!\S)[a-z]{2,}$", re.IGNORECASE)


class Unfinished(NamedTuple):
    """The filter at the end of a text: what stands before it, its name as it is typed, and the part of its value."""

    before: str
    name: str
    part: str


class Completion(NamedTuple):
    """What a text could become; `name` and `value` are what it then ends with, the value empty where it is to come."""

    text: str
    name: str
    value: str


def unfinished(text: str) -> Unfinished | None:
    """Return the filter that a text ends with, None where it ends with something else."""
    found = _VALUE.search(text)
    return None if found is None else Unfinished(text[: found.start()], found[1].lower(), found[2] or found[3] or "")


def with_values(one: Unfinished, values: Iterable[str]) -> Sequence[Completion]:
    """Return a text with each of the values that can be typed, ready for the next word."""
    return [
        Completion(f"{one.before}{one.name}:{_typed(value)} ", one.name, value)
        for value in values
        if value and '"' not in value and value == value.strip() and value.isprintable() and len(value) <= _MOST
    ]


def with_names(text: str) -> Sequence[Completion]:
    """Return a text with each filter whose name begins as its last word does."""
    found = _NAME.search(text)
    if found is None:
        return []
    names = [name for name in TYPED if name.startswith(found[0].lower())]
    return [Completion(f"{text[: found.start()]}{name}:", name, "") for name in names]


def _typed(value: str) -> str:
    return f'"{value}"' if re.search(r"\s", value) else value
