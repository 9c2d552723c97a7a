"""Signing in, with a user and an API key or with a link that works once; and signing out."""

from typing import NamedTuple
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.types import Scope

from deedbook.domain.keys import ApiKey
from deedbook.web.auth import Credentials, Keyring, WrongKeys
from deedbook.web.call import Networks, Reply, address_of
from deedbook.web.console.page import Entrance
from deedbook.web.console.templating import own_path, see_other
from deedbook.web.console.visit import Visit, is_secure
from deedbook.web.problems import Problem
from deedbook.web.sessions import Sessions
from deedbook.web.tickets import Tickets

#: The largest form, in bytes.
_FORM = 16 * 1024


class SignIn(NamedTuple):
    """Opens and ends sessions."""

    entrance: Entrance
    keyring: Keyring
    wrong_keys: WrongKeys
    tickets: Tickets

    async def page(self, request: Request) -> Reply:
        """Show the form, or take it: then the browser goes on to where it came from. Raises the 405."""
        if request.method == "POST":
            return await self._taken(request)
        if request.method not in ("GET", "HEAD"):
            raise Problem(405, "This page can't be asked so.", {"Allow": "GET, HEAD, POST"})
        return self._form(request)

    async def by_ticket(self, request: Request) -> Reply:
        """Sign in whoever has a link that was not used yet."""
        if request.method != "GET":  # A HEAD, of what looks at links before their reader does, uses nothing up.
            raise Problem(405, "Follow the link in a browser.", {"Allow": "GET"})
        key_id = self.tickets.redeem(request.path_params["ticket"])
        key = None if key_id is None else self.keyring.by_id(key_id)
        if key is None:
            sentence = "This link was used, is over an hour old or another one came after it; sign in with an API key."
            raise self._counted(request.scope, sentence)
        return self._opened(request.scope, key, "/")

    async def out(self, visit: Visit) -> Reply:
        """End the session of this browser."""
        await visit.form()
        cookie = Sessions.closed(is_secure=visit.is_secure)
        return see_other("/sign-in", {b"set-cookie": cookie.encode()})

    def _form(self, request: Request, sentence: str | None = None, user: str = "", status: int = 200) -> Reply:
        if self.entrance.sessions.find(request.scope) is not None and sentence is None:
            return see_other(own_path(request.query_params.get("next")))
        return self.entrance.templates.reply(
            "sign_in.html",
            status,
            visit=None,
            here=None,
            title="Sign in",
            sentence=sentence,
            user=user,
            next=own_path(request.query_params.get("next")),
        )

    async def _taken(self, request: Request) -> Reply:
        _check_origin(request)
        fields = await _fields(request)
        user, secret = fields.get("user", ""), fields.get("key", "").strip()
        # A space at the end was pasted along, or is part of the name.
        key = self.keyring.find(Credentials(user, secret)) or self.keyring.find(Credentials(user.strip(), secret))
        if key is not None:
            return self._opened(request.scope, key, own_path(request.query_params.get("next")))
        problem = self._counted(request.scope, "This user and API key are not known, or the key was revoked.")
        return self._form(request, str(problem), user, problem.status)

    def _counted(self, scope: Scope, sentence: str) -> Problem:
        """Count a try that failed, as one of the API would be; too many from one address are a 429."""
        counted = self.wrong_keys.counted(address_of(scope, self.entrance.proxies) or "")
        too_many = 429
        return counted if counted.status == too_many else Problem(403, sentence)

    def _opened(self, scope: Scope, key: ApiKey, location: str) -> Reply:
        cookie = self.entrance.sessions.opened(key, is_secure=_is_secure(scope, self.entrance.proxies))
        return see_other(location, {b"set-cookie": cookie.encode()})


def _is_secure(scope: Scope, proxies: Networks) -> bool:
    return is_secure(scope, has_proxies=bool(proxies))


def _check_origin(request: Request) -> None:
    """Refuse a form that another site sends, to sign its reader in as somebody else: there is no token yet."""
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site is not None:
        is_foreign = site not in ("same-origin", "none")
    else:
        # A browser of before 2023.
        is_foreign = origin is not None and origin.partition("://")[2] != request.headers.get("host")
    if is_foreign:
        raise Problem(403, "This form came from another site; sign in on our own page.")


async def _fields(request: Request) -> dict[str, str]:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _FORM:
            raise Problem(413, "The form is too large; send a user and an API key.")
    fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
    return {name: values[-1] for name, values in fields.items()}
