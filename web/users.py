"""The users of a namespace, as far as its actions know them."""

from typing import NamedTuple
from urllib.parse import urlencode

import msgspec

from deedbook.projections.dates import rfc1123
from deedbook.projections.resource import uri_of
from deedbook.projections.users import User
from deedbook.web import list_query
from deedbook.web.actions import lag_header
from deedbook.web.call import Call, Reply
from deedbook.web.paths import ROOT
from deedbook.web.problems import bad
from deedbook.web.views import CaughtUpViews

_KNOWN = ("q", "limit", "offset")


class Users(NamedTuple):
    """Answers who has actions."""

    views: CaughtUpViews

    async def page(self, call: Call) -> Reply:
        """Answer a page of the users, by name."""
        for name in call.query:
            if name not in _KNOWN:
                raise bad(f"There is no parameter {name}; known are {', '.join(_KNOWN)}.")
        one = {name: list_query.single(name, values) for name, values in call.query.items()}
        asked = list_query.words(one.get("q"))
        limit = list_query.number("limit", one.get("limit"), list_query.LIMIT, 1, list_query.MOST)
        offset = list_query.number("offset", one.get("offset"), 0, 0, list_query.FURTHEST)
        found, position, lag = await self.views.ask(
            lambda snapshot: snapshot.users(call.namespace, asked, limit, offset),
            at_least=call.at_least,
            is_quick=False,
        )

        def link(at: int) -> str:
            named = call.scope["namespace"]
            more = [("q", one["q"])] if "q" in one else []
            query = urlencode([*more, ("limit", limit), ("offset", at)])
            return f"{ROOT if named is None else f'{ROOT}/{named}'}/user/?{query}"

        meta = {
            "limit": limit,
            "offset": offset,
            "next": link(offset + limit) if offset + limit < found.total else None,
            "previous": link(max(0, offset - limit)) if offset else None,
            "total_count": found.total,
        }
        told = {"meta": meta, "objects": [_told(user) for user in found.found]}
        return Reply(200, msgspec.json.encode(told), position, lag_header(lag))


def _told(user: User) -> dict[str, object]:
    return {
        "namespace": user.namespace,
        "user": user.name,
        "actions": user.actions,
        "last_date": rfc1123(user.date),
        "last_action": uri_of(user.action),
    }
