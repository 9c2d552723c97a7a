"""What a browser remembers of its reader's taste: light, dark, or as the system has it; and the columns of lists."""

from collections.abc import Iterable

from starlette.types import Scope

from deedbook.web.cookies import cookie_of, set_cookie

THEMES = frozenset({"light", "dark"})

#: The columns of a list of actions that there is a choice of, in their order, and what they are called.
COLUMNS = {
    "object": "Object", "call": "Call", "user": "User", "address": "Address", "agent": "Agent", "duration": "Duration",
    "id": "Id",
}  # fmt: skip

#: Those that are shown to who chose none.
USUAL = frozenset({"object", "user", "address", "duration"})

_COOKIE, _COLUMNS = "deedbook_theme", "deedbook_columns"
_YEAR = 365 * 24 * 60 * 60


def theme_of(scope: Scope) -> str | None:
    """Return the theme that a browser asked for, None for the system's."""
    theme = cookie_of(scope, _COOKIE)
    return theme if theme in THEMES else None


def theme_cookie(theme: str, *, is_secure: bool) -> str:
    """Return the Set-Cookie that remembers a theme; any other word than those known forgets it."""
    kept = theme if theme in THEMES else ""
    return set_cookie(_COOKIE, kept, _YEAR if kept else 0, is_secure=is_secure)


def columns_of(scope: Scope) -> frozenset[str]:
    """Return the columns that a browser asked for, the usual ones where it asked for none."""
    chosen = cookie_of(scope, _COLUMNS)
    return USUAL if chosen is None else frozenset(chosen.split(".")) & COLUMNS.keys()


def columns_cookie(columns: Iterable[str], *, is_secure: bool) -> str:
    """Return the Set-Cookie that remembers columns; the usual ones need none. Other names are left out."""
    chosen = frozenset(columns) & COLUMNS.keys()
    if chosen == USUAL:
        return set_cookie(_COLUMNS, "", 0, is_secure=is_secure)
    return set_cookie(_COLUMNS, ".".join(["state", *sorted(chosen)]), _YEAR, is_secure=is_secure)
