"""Cursors: the place that a page of the list goes on from, as clients hand it back without looking into it."""

import base64
import binascii
import re
from typing import NamedTuple

from deedbook.projections.action_query import Place
from deedbook.web.problems import bad

_FORM = re.compile(r"([np])(-?\d{1,18})\.(\d{1,18})", re.ASCII)


class Cursor(NamedTuple):
    """A place, and the way from there: to the next page, or `backwards` to the one before."""

    place: Place
    backwards: bool

    def __str__(self) -> str:
        """Return it as it stands in a URI, where it needs no escapes."""
        text = f"{'p' if self.backwards else 'n'}{self.place.sort}.{self.place.id}"
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def cursor_of(text: str) -> Cursor:
    """Return the cursor that a text is; raises the 400 where it is none."""
    try:
        found = _FORM.fullmatch(base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True).decode())
    except (binascii.Error, ValueError):
        found = None
    if found is None:
        raise bad(f"cursor {text!r} is none; take next_cursor or previous_cursor from the meta of a page.")
    way, sort, position = found.groups()
    return Cursor(Place(int(sort), int(position)), way == "p")
