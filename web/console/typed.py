"""Filters that are typed into the field for free text: `deploy user:ann state:failed operation:"Service Scale"`."""

import re
from collections.abc import Callable, Mapping, Sequence

from deedbook.domain.lifecycle import State
from deedbook.web.console.filters import Asked
from deedbook.web.list_query import REPEATABLE


def _exactly(value: str) -> Sequence[str]:
    return [value]


def _states(value: str) -> Sequence[str]:
    """Return every state that begins so: while somebody types, more than one may."""
    return [str(state) for state in State if str(state).lower().startswith(value.lower())]


def _by(value: str) -> Sequence[str]:
    words = {"people": "true", "system": "false"}
    return [flag for word, flag in words.items() if word.startswith(value.lower())]


def _id(value: str) -> Sequence[str]:
    return [value] if re.fullmatch("[0-9A-Fa-f-]{1,36}", value) else []


#: By the name that is typed: the filter, and the values of it that are meant; where there are none, it stays text.
TYPED: Mapping[str, tuple[str, Callable[[str], Sequence[str]]]] = {
    "state": ("state", _states),
    "operation": ("action", _exactly),
    "user": ("user", _exactly),
    "object": ("object", _exactly),
    "method": ("method", lambda value: [value.upper()]),
    "address": ("ip", _exactly),
    "agent": ("user_agent", _exactly),
    "by": ("is_user_action", _by),
    "id": ("uuid__startswith", _id),
}

_FILTER = re.compile(rf'(?<!\S)({"|".join(TYPED)}):(?:"([^"]+)"|([^\s"]\S*))(?!\S)', re.IGNORECASE)


def untyped(asked: Asked) -> Asked:
    """Return the same question with what is typed as filters as such, and the rest of it, if any, as free text."""
    found: dict[str, list[str]] = {}

    def take(part: re.Match[str]) -> str:
        name, meant = TYPED[part[1].lower()]
        values = meant(part[2] or part[3])
        found.setdefault(name, []).extend(values)
        return "" if values else part[0]

    rest = _FILTER.sub(take, asked.get("q", [""])[-1]).split()
    given = {name: values for name, values in found.items() if values}
    if not given:
        return asked
    merged = dict(asked) | {"q": [" ".join(rest)]}
    for name, values in given.items():
        merged[name] = list(dict.fromkeys([*asked.get(name, ()), *values])) if name in REPEATABLE else values[-1:]
    return {name: values for name, values in merged.items() if values != [""]}
