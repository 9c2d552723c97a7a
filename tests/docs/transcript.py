"""Compares what a README shows with what really came.

White space counts for nothing, and `…` stands for anything. What differs from run to run (ids, keys, dates, positions,
ports, times) may differ, but an id or key that is shown twice must be the same one twice.
"""

import re

#: What differs from run to run, once white space is gone; the first that fits counts.
_VARIABLE = {
    "uuid": r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    "date": r"[A-Z][a-z]{2},\d{2}[A-Z][a-z]{2}\d{4}\d\d:\d\d:\d\d(?:\+0000|GMT)",
    "moment": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z",
    "secret": r"(?<![\w-])[\w-]{43}(?![\w-])",
    "address": r"127\.0\.0\.1:\d+",
    "fixed": r"\d+\.\d+\.\d+\.\d+",
    "agent": r"curl/[\d.]+",
    "position": r"(?:(?i:deedbook-)?position|position\"?:?|after=)\d+",
    "length": r"content-length:\d+",
    "views": r"views-\d+",
    "second": r"\b1\d{9}\b",
    "decimal": r"\b\d+\.\d+(?:e-\d+)?\b",
}  # fmt: skip
_ANY = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in _VARIABLE.items()))

#: Of these, the same one shown is the same one in truth.
_SAME = ("uuid", "secret")


class Transcript:
    """What was shown and what came, over all commands of a page."""

    def __init__(self) -> None:
        self._truth: dict[str, str] = {}

    def fits(self, shown: str, came: str) -> bool:
        """Tell whether what came is what was shown."""
        pattern, names = _pattern("".join(shown.split()))
        found = re.fullmatch(pattern, "".join(came.split()), re.DOTALL)
        return found is not None and self._agree(zip(names, found.groups(), strict=True))

    def _agree(self, pairs: "zip[tuple[str, str]]") -> bool:
        for shown, came in pairs:
            if self._truth.setdefault(shown, came) != came:
                return False
        return len(set(self._truth.values())) == len(self._truth)


def _pattern(shown: str) -> tuple[str, list[str]]:
    """Return the pattern of what is shown, and the names of its groups: ids and keys as they are shown."""
    pattern, names, at = "", [], 0
    for found in _ANY.finditer(shown):
        pattern += _literal(shown[at : found.start()])
        at = found.end()
        kind = found.lastgroup or ""
        if kind == "fixed":
            pattern += re.escape(found[0])
        elif kind in _SAME:
            pattern += f"({_VARIABLE[kind]})"
            names.append(found[0])
        else:
            pattern += f"(?:{_VARIABLE[kind]})"
    return pattern + _literal(shown[at:]), names


def _literal(text: str) -> str:
    return ".*?".join(re.escape(part) for part in text.split("…"))
