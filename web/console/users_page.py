"""Users: who has actions, how many, and when they were last seen."""

from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlencode

from deedbook.projections.dates import rfc1123
from deedbook.projections.users import User
from deedbook.web import list_query
from deedbook.web.call import Reply
from deedbook.web.console.templating import Templates
from deedbook.web.console.visit import Visit
from deedbook.web.numbers import whole_number
from deedbook.web.paths import ROOT
from deedbook.web.problems import bad
from deedbook.web.views import CaughtUpViews

#: Users on a page.
ROWS = 50

#: A longer name makes an address that no server takes.
_LONGEST = 2000

_KNOWN = frozenset({"q", "offset"})


class Shown(NamedTuple):
    """A user as a row shows it; no `path` to the actions of one whose name is too long for an address."""

    name: str
    namespace: str
    actions: int
    last_seen: str
    last_action: str
    path: str | None


class UsersPage(NamedTuple):
    """Answers who there is."""

    templates: Templates
    views: CaughtUpViews

    async def page(self, visit: Visit) -> Reply:
        """Show a page of the users, by name, those that a search finds."""
        for name in visit.asked:
            if name not in _KNOWN:
                raise bad(f"There is no parameter {name} here; known are {', '.join(sorted(_KNOWN))}.")
        sought = visit.asked.get("q", [""])[-1].strip()
        words, offset = list_query.words(sought or None), whole_number(visit.asked, "offset", 0)
        found, position, lag = await self.views.ask(
            lambda snapshot: snapshot.users(visit.namespace, words, ROWS, offset), is_quick=False
        )
        reply = self.templates.reply(
            "users.html",
            visit=visit,
            here="/users",
            title="Users",
            users=shown(visit, found.found),
            total=found.total,
            sought=sought,
            offset=offset,
            before=max(0, offset - ROWS) if offset else None,
            behind=offset + ROWS if offset + ROWS < found.total else None,
            lag=lag,
            api=_api(visit, sought),
        )
        reply.position = position
        return reply


def shown(visit: Visit, users: Sequence[User]) -> list[Shown]:
    """Return users as rows show them, each in its own namespace where all are looked at."""
    return [
        Shown(
            name=user.name,
            namespace=user.namespace,
            actions=user.actions,
            last_seen=rfc1123(user.date),
            last_action=visit.link(f"/action/{user.action}"),
            path=None if len(user.name) > _LONGEST else visit.link("/", user=user.name, **_within(visit, user)),
        )
        for user in users
    ]


def _within(visit: Visit, user: User) -> dict[str, str]:
    return {"namespace": user.namespace} if visit.namespace is None else {}


def _api(visit: Visit, sought: str) -> str:
    root = ROOT if visit.chosen is None else f"{ROOT}/{visit.chosen}"
    return f"{root}/user/?{urlencode({'q': sought} if sought else {'limit': ROWS})}"
