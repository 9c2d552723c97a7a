"""Every page of the console, and what it needs."""

from collections.abc import Sequence

from starlette.routing import BaseRoute, Route

from deedbook.domain.keys import Right
from deedbook.web.call import Reply
from deedbook.web.console.assets import ROOT, Assets
from deedbook.web.console.page import Act, Entrance, OpenPage, Page
from deedbook.web.console.preferences import theme_cookie
from deedbook.web.console.sign_in import SignIn
from deedbook.web.console.templating import own_path, see_other
from deedbook.web.console.visit import Visit


def console(*, entrance: Entrance, assets: Assets, sign_in: SignIn) -> Sequence[BaseRoute]:
    """Return the routes of the console."""
    may = Right
    return [
        Route("/sign-in", OpenPage(entrance, sign_in.page)),
        Route("/sign-in/{ticket}", OpenPage(entrance, sign_in.by_ticket)),
        Route("/sign-out", Page(entrance, POST=Act(may.READ, sign_in.out))),
        Route("/theme", Page(entrance, POST=Act(may.READ, choose_theme))),
        Route(f"{ROOT}/{{name:path}}", assets),
    ]


async def choose_theme(visit: Visit) -> Reply:
    """Remember the theme that somebody chose, and go back to the page that they were on."""
    fields = await visit.form()
    cookie = theme_cookie(fields.get("theme", ""), is_secure=visit.is_secure)
    return see_other(own_path(fields.get("next")), {b"set-cookie": cookie.encode()})
