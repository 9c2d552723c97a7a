"""What a browser remembers of its reader's taste: light, dark, or as the system has it."""

from starlette.types import Scope

from deedbook.web.cookies import cookie_of, set_cookie

THEMES = frozenset({"light", "dark"})

_COOKIE = "deedbook_theme"
_YEAR = 365 * 24 * 60 * 60


def theme_of(scope: Scope) -> str | None:
    """Return the theme that a browser asked for, None for the system's."""
    theme = cookie_of(scope, _COOKIE)
    return theme if theme in THEMES else None


def theme_cookie(theme: str, *, is_secure: bool) -> str:
    """Return the Set-Cookie that remembers a theme; any other word than those known forgets it."""
    kept = theme if theme in THEMES else ""
    return set_cookie(_COOKIE, kept, _YEAR if kept else 0, is_secure=is_secure)
