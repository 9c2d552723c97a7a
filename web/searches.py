"""Saved searches: filters of the list that a namespace keeps under a name."""

from typing import NamedTuple
from urllib.parse import parse_qsl

import msgspec

from deedbook.domain.commands import DeleteSearch, SaveSearch
from deedbook.domain.results import SearchChanged
from deedbook.projections.dates import rfc1123
from deedbook.web import list_query
from deedbook.web.actions import lag_header
from deedbook.web.as_of import Moments
from deedbook.web.call import ACTION_BODY, Call, Reply
from deedbook.web.courier import Courier
from deedbook.web.problems import bad
from deedbook.web.views import CaughtUpViews
from deedbook.web.wire import SearchRequest, decoded

#: Parameters of the list that are of a page, not of what is looked for.
_PAGING = ("limit", "offset", "cursor", "format")


class Searches(NamedTuple):
    """Answers everything about saved searches."""

    courier: Courier
    views: CaughtUpViews
    moments: Moments

    async def page(self, call: Call) -> Reply:
        """List what is saved in the namespace, by name."""
        for name in call.query:
            raise bad(f"There is no parameter {name}: this takes none.")
        namespace = call.namespace
        found, position, lag = await self.views.ask(
            lambda snapshot: snapshot.searches(namespace), at_least=call.at_least
        )
        objects = [
            {"namespace": one.namespace, "name": one.name, "query": one.query, "user": one.user,
             "saved": rfc1123(one.date)}
            for one in found
        ]  # fmt: skip
        return Reply(200, msgspec.json.encode({"objects": objects}), position, lag_header(lag))

    async def save(self, call: Call) -> Reply:
        """Save a search: 201, or 200 where it replaced the one that had its name."""
        call.media()
        request = decoded(await call.body(ACTION_BODY, "a search"), SearchRequest)
        query = self.checked(request.query)
        command = SaveSearch(namespace=call.home, name=request.name, query=query, by=call.caller)
        once = call.once(b"save search", request)
        answer = await self.courier.perform(command, once)
        replaced = isinstance(answer.result, SearchChanged) and answer.result.was_there
        told = {"namespace": call.home, "name": request.name, "query": query}
        return Reply(200 if replaced else 201, msgspec.json.encode(told), answer.position)

    async def delete(self, call: Call) -> Reply:
        """Delete what is saved under a name."""
        for name in call.query:
            if name != "name":
                raise bad(f"There is no parameter {name}; known is name.")
        names = call.query.get("name", [])
        if len(names) != 1:
            raise bad("Give one name, as a parameter of the query.")
        answer = await self.courier.perform(DeleteSearch(namespace=call.home, name=names[0], by=call.caller))
        return Reply(200, msgspec.json.encode({"namespace": call.home, "name": names[0]}), answer.position)

    def checked(self, text: str) -> str:
        """Return a query string without its question mark; raises the 400 where the list would not take it."""
        text = text.removeprefix("?")
        parameters: dict[str, list[str]] = {}
        for name, value in parse_qsl(text, keep_blank_values=True):
            parameters.setdefault(name, []).append(value)
        for name in _PAGING:
            if name in parameters:
                raise bad(f"A search is saved without its page: leave out {name}.")
        list_query.parse(parameters, None, self.moments.asked(parameters), newest_first=False)
        return text
