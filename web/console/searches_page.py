"""Saved searches, in the console: questions to the list that a namespace keeps under a name."""

from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

import msgspec

from deedbook.domain.commands import DeleteSearch, SaveSearch
from deedbook.projections.reader import PartMissing, Snapshot
from deedbook.projections.searches import Search
from deedbook.web.call import Reply
from deedbook.web.console.filters import Filters
from deedbook.web.console.templating import own_path, see_other
from deedbook.web.console.visit import Visit
from deedbook.web.problems import bad
from deedbook.web.searches import Searches
from deedbook.web.wire import SearchRequest


class SearchesPage(NamedTuple):
    """Takes the forms that save and delete a search."""

    searches: Searches

    async def save(self, visit: Visit) -> Reply:
        """Save a search, in place of one that has its name, and show it."""
        fields = await visit.form()
        try:
            name = fields.get("name", "").strip()
            request = msgspec.convert({"name": name, "query": fields.get("query", "")}, SearchRequest)
        except msgspec.ValidationError:
            raise bad("A search is saved under a name of 1 to 100 characters, its filters in at most 4,096.") from None
        query = self.searches.checked(request.query)
        command = SaveSearch(namespace=visit.home, name=request.name, query=query, by=visit.caller)
        await self.searches.courier.perform(command)
        return see_other(own_path(fields.get("next")))

    async def delete(self, visit: Visit) -> Reply:
        """Delete a search, and show the same page without it."""
        fields = await visit.form()
        name = fields.get("name", "")
        await self.searches.courier.perform(DeleteSearch(namespace=visit.home, name=name, by=visit.caller))
        return see_other(own_path(fields.get("next")))


class Saved(NamedTuple):
    """A saved search on a page: its address, where it is deleted, and whether it is what the page asks."""

    namespace: str
    name: str
    user: str | None
    path: str
    deletion: str
    is_here: bool


def saved_in(snapshot: Snapshot, namespace: str | None) -> Sequence[Search]:
    """Return what is saved in a namespace, or (None) in all; nothing where the views are older than searches are."""
    try:
        return snapshot.searches(namespace)
    except PartMissing:
        return ()


def on_page(searches: Sequence[Search], visit: Visit, filters: Filters) -> Sequence[Saved]:
    """Return searches as a page has them."""
    here = sorted(parse_qsl(filters.query))
    is_free = visit.key.role == "admin"
    found = []
    for search in searches:
        asked = parse_qsl(search.query, keep_blank_values=True)
        path = "/?" + urlencode([*asked, ("namespace", search.namespace)] if is_free else asked)
        deletion = visit.link("/searches/delete", namespace=search.namespace if is_free else None)
        found.append(Saved(search.namespace, search.name, search.user, path, deletion, sorted(asked) == here))
    return found
