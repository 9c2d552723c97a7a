"""Cookies of a request, and the ones that we set."""

from starlette.requests import cookie_parser
from starlette.types import Scope


def cookie_of(scope: Scope, name: str) -> str | None:
    """Return the value of a cookie, None where a request has none of this name.

    Read as browsers send them: a host's cookies are those of all of its ports, and `http.cookies.SimpleCookie` finds
    none at all where one of another program is not as RFC 2109 has it.
    """
    for header, value in scope["headers"]:
        if header == b"cookie":
            cookies = cookie_parser(value.decode("latin-1"))
            if name in cookies:
                return cookies[name]
    return None


def set_cookie(name: str, value: str, seconds: int, *, is_secure: bool) -> str:
    """Return a Set-Cookie, for every path, that no script can read; of 0 seconds: one that takes it away.

    Lax, not strict: a link in a colleague's message must find its reader signed in. Forms carry a token beside it.
    """
    secure = "; Secure" if is_secure else ""
    return f"{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"
