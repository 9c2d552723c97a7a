"""Compares what a page shows with what really came.

White space counts for nothing, and `…` stands for anything. What differs from run to run (ids, keys, dates, positions,
ports, times) may differ, but an id or key that is shown twice must be the same one twice.
"""

import re
from collections.abc import Iterable

#: What differs from run to run, once white space is gone; the first that fits counts.
_VARIABLE = {
    "uuid": r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    "secret": r"(?<![\w-])(?=[\w-]*[A-Z])(?=[\w-]*\d)[\w-]{43}(?![\w-])",
    "date": r"[A-Z][a-z]{2},\d{2}[A-Z][a-z]{2}\d{4}\d\d:\d\d:\d\d(?:\+0000|GMT)",
    "moment": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z",
    "address": r"127\.0\.0\.1:\d+",
    "agent": r"curl/[\d.]+\d",
    "position": r"(?:deedbook-position:|position\":)\d+",
    "length": r"content-length:\d+",
    "views": r"views-\d+",
    "second": r"\b1\d{9}\b",
    "time": r"(?<![\d.])\d+\.\d+(?:e-\d+)?(?![\d.])",
}
_ANY = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in _VARIABLE.items()))

#: Of these, the same one shown is the same one in truth, and two are two.
_NAMES = ("uuid", "secret")


class Transcript:
    """What was shown and what came, over all commands of a page."""

    def __init__(self) -> None:
        self._truth: dict[str, str] = {}

    def fits(self, shown: str, came: str) -> bool:
        """Tell whether what came is what was shown."""
        pattern, names = _pattern("".join(shown.split()))
        found = re.fullmatch(pattern, "".join(came.split()), re.DOTALL)
        return found is not None and self._is_true(zip(names, found.groups(), strict=True))

    def _is_true(self, pairs: Iterable[tuple[str, str]]) -> bool:
        truth = dict(self._truth)
        if any(truth.setdefault(shown, came) != came for shown, came in pairs):
            return False
        if len(set(truth.values())) != len(truth):
            return False
        self._truth = truth
        return True


def _pattern(shown: str) -> tuple[str, list[str]]:
    """Return the pattern of what is shown, and the ids and keys that stand in it, each a group of the pattern."""
    pattern, names, at = "", [], 0
    for found in _ANY.finditer(shown):
        kind = found.lastgroup or ""
        pattern += _literal(shown[at : found.start()])
        if kind in _NAMES:
            pattern += f"({_VARIABLE[kind]})"
            names.append(found[0])
        else:
            pattern += f"(?:{_VARIABLE[kind]})"
        at = found.end()
    return pattern + _literal(shown[at:]), names


def _literal(text: str) -> str:
    return ".*?".join(re.escape(part) for part in text.split("…"))
