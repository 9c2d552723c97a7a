"""Makes HTML of templates: every value is escaped, and a name that is not there is an error."""

import re
import shlex
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from deedbook.domain.lifecycle import State
from deedbook.projections.dates import iso8601
from deedbook.web.call import Reply
from deedbook.web.console.preferences import COLUMNS
from deedbook.web.console.visible import named, output, visible
from deedbook.web.dates import parse_date

HTML = b"text/html; charset=utf-8"

#: Nothing is loaded from elsewhere, no script or style stands in a page, and no page stands in another's frame.
_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self';"
    b" form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

HEADERS: Mapping[bytes, bytes] = {
    b"content-security-policy": _POLICY,
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"same-origin",
    b"cross-origin-opener-policy": b"same-origin",
    # What a page shows is its reader's, and of a moment.
    b"cache-control": b"no-store",
}

#: The shape that stands for each state, beside its colour.
SHAPES: Mapping[State, str] = {
    State.PENDING: "pending",
    State.IN_PROGRESS: "running",
    State.CANCELING: "canceling",
    State.CANCELED: "canceled",
    State.SUCCESS: "success",
    State.FAILED: "failed",
}


class Templates:
    """The templates of the console; `asset` gives the path of a style, script or icon."""

    def __init__(self, asset: Callable[[str], str]) -> None:
        self._environment = Environment(
            loader=PackageLoader("deedbook.web.console"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals |= {"asset": asset, "columns": COLUMNS}
        self._environment.filters.update(
            {"iso": iso, "date": iso8601, "clock": clock, "span": span, "shape": lambda state: SHAPES[State(state)],
             "short": short, "tail": tail, "shell": shlex.quote, "grouped": lambda number: f"{number:,}",
             "visible": visible, "brief": brief, "output": output}
        )  # fmt: skip

    def html(self, name: str, **context: object) -> str:
        """Return what a template makes of a context."""
        return self._environment.get_template(name).render(context)

    def reply(
        self, name: str, status: int = 200, headers: Mapping[bytes, bytes] | None = None, **context: object
    ) -> Reply:
        """Return a page, or a part of one."""
        return Reply(status, self.html(name, **context).encode(), None, {**HEADERS, **(headers or {})}, HTML)


def see_other(location: str, headers: Mapping[bytes, bytes] | None = None) -> Reply:
    """Return an answer that sends the browser to another page: after each form, so that a reload repeats nothing."""
    # A location is ASCII (RFC 9110, 10.2.2): what is not, and what would begin another header, is never put there.
    target = location.encode("ascii", "ignore").replace(b"\r", b"").replace(b"\n", b"")
    return Reply(303, b"", None, {**HEADERS, b"location": target, **(headers or {})}, HTML)


def own_path(path: str | None) -> str:
    """Return where to go on: a page of ours, whatever a link says."""
    if path is None or not path.startswith("/") or path.startswith(("//", "/\\")):
        return "/"
    return path if path.isprintable() and path.isascii() else "/"


@lru_cache(maxsize=4096)
def iso(date: str) -> str:
    """Return a date of the API's JSON, `Wed, 17 Sep 2014 08:26:22 +0000`, as `2014-09-17T08:26:22Z`."""
    return iso8601(parse_date(date))


# A row has each of its dates three times, and the pages of a list have many rows: reading them was a tenth of it.
@lru_cache(maxsize=4096)
def clock(date: str) -> str:
    """Return a date, in either form, as it is shown where no script turns it into the reader's zone."""
    return datetime.fromtimestamp(parse_date(date) / 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


#: The longest span that is told in each unit, in seconds, and the unit's length.
_UNITS = ((120, 1, "s"), (7200, 60, "min"), (172_800, 3600, "h"), (float("inf"), 86_400, "d"))


def span(seconds: float | None) -> str:
    """Return how long something took, in at most four digits and a unit: `0.5 s`, `90 s`, `12 min`, `3 h`, `40 d`."""
    if seconds is None:
        return "–"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10:  # noqa: PLR2004  # one digit before the point
        return f"{seconds:.1f} s"
    length, unit = next((length, unit) for most, length, unit in _UNITS if seconds < most)
    return f"{seconds / length:.0f} {unit}"


def brief(text: str, most: int) -> Markup:
    """Return a text as `visible` has it; of a longer one than `most` signs as much as `short` leaves."""
    return visible(text if len(text) <= most else short(text, most))


#: A URI of more signs is shortened in the middle.
_SHORT = 44


_UUID = re.compile(r"([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)


def tail(uri: str) -> str:
    """Return what tells a URI from others in a list: its last two parts, and of a UUID the first group."""
    parts = uri.strip("/").split("/")
    return _UUID.sub(r"\1…", "/".join(parts[-2:])) if len(parts) > 2 else uri  # noqa: PLR2004  # last two


def short(text: str, most: int = _SHORT) -> str:
    """Return a text of at most `most` signs: its beginning and, mostly, its end, which tells URIs apart.

    What would not be seen, but change what is, is written out: controls, and marks that turn the direction.
    """
    text = named(text)
    if len(text) <= most:
        return text
    end = (most - 1) * 2 // 3
    return f"{text[: most - 1 - end]}…{text[-end:]}"
