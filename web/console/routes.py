"""Every page of the console, and what it needs."""

from collections.abc import Sequence

from starlette.routing import BaseRoute, Route

from deedbook.domain.keys import Right
from deedbook.web.call import Reply
from deedbook.web.console.action_page import ActionPage
from deedbook.web.console.actions_page import ActionsPage
from deedbook.web.console.actions_parts import ActionsParts
from deedbook.web.console.api_page import ApiPage
from deedbook.web.console.assets import ICON, ROOT, Assets
from deedbook.web.console.health_page import HealthPage
from deedbook.web.console.keys_page import KeysPage
from deedbook.web.console.object_page import ObjectPage
from deedbook.web.console.page import Act, Entrance, OpenPage, Page
from deedbook.web.console.preferences import columns_cookie, theme_cookie
from deedbook.web.console.searches_page import SearchesPage
from deedbook.web.console.sign_in import SignIn
from deedbook.web.console.templating import own_path, see_other
from deedbook.web.console.timeline_page import TimelinePage
from deedbook.web.console.users_page import UsersPage
from deedbook.web.console.visit import Visit


def console(  # noqa: PLR0913  # one for each page
    *,
    entrance: Entrance,
    assets: Assets,
    sign_in: SignIn,
    action: ActionPage,
    actions: ActionsPage,
    parts: ActionsParts,
    timeline: TimelinePage,
    searches: SearchesPage,
    health: HealthPage,
    keys: KeysPage,
    api: ApiPage,
    objects: ObjectPage,
    users: UsersPage,
) -> Sequence[BaseRoute]:
    """Return the routes of the console."""
    may = Right
    return [
        Route("/", Page(entrance, GET=Act(may.READ, actions.page))),
        Route("/timeline", Page(entrance, GET=Act(may.READ, timeline.page))),
        Route("/searches", Page(entrance, POST=Act(may.SAVE, searches.save))),
        Route("/searches/delete", Page(entrance, POST=Act(may.SAVE, searches.delete))),
        Route("/actions/news", Page(entrance, GET=Act(may.READ, parts.news))),
        Route("/actions/values", Page(entrance, GET=Act(may.READ, parts.values))),
        Route("/actions/completions", Page(entrance, GET=Act(may.READ, parts.completions))),
        Route("/sign-in", OpenPage(entrance, sign_in.page)),
        Route("/sign-in/{ticket}", OpenPage(entrance, sign_in.by_ticket)),
        Route("/sign-out", Page(entrance, POST=Act(may.READ, sign_in.out))),
        Route("/theme", Page(entrance, POST=Act(may.READ, choose_theme))),
        Route("/columns", Page(entrance, POST=Act(may.READ, choose_columns))),
        Route("/action/{uuid}", Page(entrance, GET=Act(may.READ, action.page))),
        Route("/action/{uuid}/cancel", Page(
            entrance, GET=Act(may.CANCEL, action.ask_cancel), POST=Act(may.CANCEL, action.cancel))),
        Route("/action/{uuid}/retry", Page(
            entrance, GET=Act(may.RETRY, action.ask_retry), POST=Act(may.RETRY, action.retry))),
        Route("/system", Page(entrance, GET=Act(may.READ, health.page))),
        Route("/system/rebuild", Page(entrance, POST=Act(may.ADMINISTER, health.rebuild))),
        Route("/keys", Page(entrance, GET=Act(may.ADMINISTER, keys.page), POST=Act(may.ADMINISTER, keys.issue))),
        Route("/keys/{id}/revoke", Page(
            entrance, GET=Act(may.ADMINISTER, keys.ask_to_revoke), POST=Act(may.ADMINISTER, keys.revoke))),
        Route("/users", Page(entrance, GET=Act(may.READ, users.page))),
        Route("/object", Page(entrance, GET=Act(may.READ, objects.page))),
        Route("/api", Page(entrance, GET=Act(may.READ, api.page))),
        Route(f"{ROOT}/{{name:path}}", assets),
        Route(ICON, assets),
    ]  # fmt: skip


async def choose_theme(visit: Visit) -> Reply:
    """Remember the theme that somebody chose, and go back to the page that they were on."""
    fields = await visit.form()
    cookie = theme_cookie(fields.get("theme", ""), is_secure=visit.is_secure)
    return see_other(own_path(fields.get("next")), {b"set-cookie": cookie.encode()})


async def choose_columns(visit: Visit) -> Reply:
    """Remember the columns that somebody chose, each a field of its own, and go back to the page that they were on."""
    fields = await visit.form()
    cookie = columns_cookie(fields, is_secure=visit.is_secure)
    return see_other(own_path(fields.get("next")), {b"set-cookie": cookie.encode()})
