"""A request of somebody who is signed in: a call, with what a browser brings along."""

import hmac
import re
from collections.abc import Callable, Sequence
from functools import cached_property
from urllib.parse import parse_qsl, urlencode

from starlette.types import Receive, Scope

from deedbook.domain.keys import NAMESPACE_PATTERN, Right, Role, rights_of
from deedbook.web.call import Call, Networks
from deedbook.web.console.preferences import columns_of, theme_of
from deedbook.web.problems import Problem, bad
from deedbook.web.sessions import Session

#: The largest form, in bytes.
_FORM = 64 * 1024

#: What a form must hold; a script may send it as a header.
TOKEN, TOKEN_HEADER = "csrf", b"x-csrf-token"


class Visit(Call):
    """A request to a page: whoever signed in is its caller, `?namespace=` says where an admin looks."""

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        session: Session,
        proxies: Networks = (),
        namespaces: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        super().__init__(scope, receive, session.key, proxies)
        self.token = session.token
        self.theme, self.columns = theme_of(scope), columns_of(scope)
        self._namespaces = namespaces
        scope["namespace"] = self.chosen

    @cached_property
    def asked(self) -> dict[str, list[str]]:
        """The query as the page's question: no empty fields, which forms send, and no namespace."""
        kept = {name: [value for value in values if value != ""] for name, values in self.query.items()}
        return {name: values for name, values in kept.items() if values and name != "namespace"}

    @cached_property
    def chosen(self) -> str | None:
        """The namespace that an admin chose, None for all; nobody else has a choice."""
        if self.key.role is not Role.ADMIN:
            return None
        named = self.query.get("namespace", [""])[-1]
        if named and not re.fullmatch(NAMESPACE_PATTERN, named):
            raise bad(f"{named!r} can't be a namespace; choose one of the list.")
        return named or None

    @property
    def path(self) -> str:
        """The path of the page."""
        path: str = self.scope["path"]
        return path

    @property
    def uri(self) -> str:
        """The path and query of the page, to come back to."""
        query: str = self.scope["query_string"].decode("latin-1")
        return f"{self.path}?{query}" if query else self.path

    @property
    def origin(self) -> str:
        """Return where the server is, as the browser has it: `https://audit.example.com`."""
        host = self.headers.get(b"host", b"").decode("latin-1")
        return f"{'https' if self.is_secure else 'http'}://{host}"

    @property
    def namespaces(self) -> Sequence[str]:
        """Return the namespaces that there is a choice of."""
        return self._namespaces() if self.key.role is Role.ADMIN else ()

    @property
    def is_fragment(self) -> bool:
        """Tell whether a script asks, for a part of a page."""
        return b"hx-request" in self.headers

    @property
    def is_secure(self) -> bool:
        """Tell whether the browser came by HTTPS, to us or to a proxy that we trust."""
        return is_secure(self.scope, has_proxies=bool(self._proxies))

    def may(self, right: str) -> bool:
        """Tell whether whoever signed in has a right, by its name."""
        return Right(right) in rights_of(self.key.role)

    def link(self, path: str, **query: str | int | None) -> str:
        """Return a link to another page, in the namespace that is looked at; None leaves a parameter out."""
        given = {"namespace": self.chosen, **query}
        asked = urlencode({name: value for name, value in given.items() if value is not None})
        return f"{path}?{asked}" if asked else path

    async def form(self) -> dict[str, str]:
        """Return the fields of a form, of one that came twice the last; raises the 403 where its token is not ours."""
        body = await self.body(_FORM, "a form")
        try:
            fields = dict(parse_qsl(body.decode(), keep_blank_values=True))
        except UnicodeDecodeError:
            raise bad("The form is not UTF-8; send it from its page.") from None
        token = self.headers.get(TOKEN_HEADER, b"").decode("latin-1") or fields.pop(TOKEN, "")
        fields.pop(TOKEN, None)
        if not hmac.compare_digest(token.encode(), self.token.encode()):
            raise Problem(403, "This form was made for another session; reload the page and send it again.")
        return fields


def is_secure(scope: Scope, *, has_proxies: bool) -> bool:
    """Tell whether a browser came by HTTPS: a proxy's word counts where there are proxies that are trusted."""
    if scope["scheme"] == "https":
        return True
    return has_proxies and any(name == b"x-forwarded-proto" and value == b"https" for name, value in scope["headers"])
