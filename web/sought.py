"""Which lines of an action's output somebody looks for: those that hold a text, from a moment on, so many."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from deedbook.domain.output import OutputLine
from deedbook.web.dates import SECOND, parse_date
from deedbook.web.numbers import whole_number
from deedbook.web.problems import bad

#: The parameters that narrow an output down.
NARROWING = ("q", "timestamp__gte", "limit")

#: What sets colours in a terminal (ECMA-48, SGR): a text is looked for as it is read, without it.
SGR = re.compile(r"\x1b\[[0-9;:]*m")


class Sought(NamedTuple):
    """Lines with `text` (in lower case), dated `since` (microseconds) or later, `most` of them at the most."""

    text: str | None = None
    since: int | None = None
    most: int | None = None

    @property
    def is_all(self) -> bool:
        """Tell whether every line is looked for."""
        return self.text is None and self.since is None

    def holds(self, line: OutputLine) -> bool:
        """Tell whether a line is one of them, how many it may be left aside."""
        if self.since is not None and line.timestamp * SECOND < self.since:
            return False
        return self.text is None or self.text in SGR.sub("", line.text).lower()


def sought(query: Mapping[str, list[str]]) -> Sought:
    """Return what a query looks for; raises the 400."""
    text, since = query.get("q"), query.get("timestamp__gte")
    if text is not None and not text[-1]:
        raise bad("q is a text to look for; leave it out for every line.")
    most = whole_number(query, "limit", 0) if "limit" in query else None
    if most == 0:
        raise bad("limit is a whole number from 1 on, not '0'.")
    try:
        moment = None if since is None else parse_date(since[-1])
    except ValueError as error:
        raise bad(f"timestamp__gte: {error}") from None
    return Sought(None if text is None else text[-1].lower(), moment, most)
