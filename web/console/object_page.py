"""Object: what is above and below it, its lane, and its actions, with those of all that is related or without."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import urlencode

from deedbook.projections.action_query import ActionQuery
from deedbook.projections.objects import Lane
from deedbook.projections.page import Page
from deedbook.projections.reader import Snapshot
from deedbook.projections.relations import Relationship
from deedbook.projections.resource import ActionResource, decode
from deedbook.web import list_query
from deedbook.web.actions import cursors
from deedbook.web.call import Reply
from deedbook.web.console.kin import kin
from deedbook.web.console.templating import Templates
from deedbook.web.console.visit import Visit
from deedbook.web.numbers import whole_number
from deedbook.web.paths import ROOT
from deedbook.web.problems import bad, not_found
from deedbook.web.views import CaughtUpViews

#: Actions on a page, and in a lane.
ROWS, IN_LANE = 25, 20

#: Relationships on each side of an object: at first, and at the most.
NEAR, MOST = 100, 5000

#: What the page can be asked, each but once.
_KNOWN = frozenset({"object", "include_related", "cursor", "relatives"})


class Found(NamedTuple):
    """What the views tell of an object, all of one moment."""

    above: Sequence[Relationship]
    below: Sequence[Relationship]
    actions: Page
    lane: Lane


class Asked(NamedTuple):
    """What a page is asked: its object, and how much of what is around it."""

    uri: str
    is_related: bool
    relatives: int
    query: ActionQuery

    def ask(self, snapshot: Snapshot) -> Found:
        """Return what the views tell."""
        namespace, most = self.query.namespace, self.relatives + 1
        return Found(
            above=snapshot.relatives(namespace, self.uri, above=True, limit=most),
            below=snapshot.relatives(namespace, self.uri, above=False, limit=most),
            actions=snapshot.actions(self.query),
            lane=snapshot.lane(namespace, self.uri, IN_LANE),
        )


class Listed(NamedTuple):
    """Some of the actions that there are, oldest or newest first; not `is_exact`, there are `total` at least."""

    total: int
    is_exact: bool
    actions: Sequence[ActionResource]


class ObjectPage(NamedTuple):
    """Answers everything about one object."""

    templates: Templates
    views: CaughtUpViews

    async def page(self, visit: Visit) -> Reply:
        """Show an object; one that nothing was ever recorded of, where the reader may look, is a 404."""
        asked = question(visit)
        found, position, lag = await self.views.ask(asked.ask, is_quick=False)
        if not (found.actions.total or found.above or found.below):
            raise not_found(f"action and no relationship of the object {asked.uri!r}")
        further, back = cursors(asked.query, found.actions)
        reply = self.templates.reply(
            "object.html",
            visit=visit,
            here=None,
            title=f"Object {asked.uri}",
            uri=asked.uri,
            is_related=asked.is_related,
            above=kin(found.above, asked.uri, asked.relatives, above=True),
            below=kin(found.below, asked.uri, asked.relatives, above=False),
            more=min(MOST, asked.relatives * 10) if asked.relatives < MOST else None,
            running=listed(found.lane.running),
            waiting=listed(found.lane.waiting),
            found=listed(found.actions),
            # Without all that says which page it is.
            is_first=asked.query.beyond is None,
            further=further,
            back=back,
            lag=lag,
            position=position,
            api=api_paths(visit, asked),
        )
        reply.position = position
        return reply


def question(visit: Visit) -> Asked:
    """Return what a visit asks; raises the 400."""
    for name, values in visit.asked.items():
        if name not in _KNOWN or len(values) > 1:
            raise bad(f"The page of an object takes each of {', '.join(sorted(_KNOWN))} once, and nothing else.")
    if "object" not in visit.asked:
        raise bad("Give the URI of an object, as ?object=…; the list of actions links to those that there are.")
    filters = {name: values for name, values in visit.asked.items() if name != "relatives"}
    query = list_query.parse({**filters, "limit": [str(ROWS)]}, visit.namespace, newest_first=True)
    return Asked(
        visit.asked["object"][0],
        query.include_related,
        min(MOST, max(1, whole_number(visit.asked, "relatives", NEAR))),
        query,
    )


def listed(page: Page) -> Listed:
    """Return a page as it is shown."""
    at_least = max(page.total, len(page.documents))
    return Listed(at_least, page.is_exact, [decode(document) for document in page.documents])


def api_paths(visit: Visit, asked: Asked) -> Mapping[str, str]:
    """Return the calls of the API that give what the page shows."""
    root = ROOT if visit.chosen is None else f"{ROOT}/{visit.chosen}"
    related = {"include_related": "true"} if asked.is_related else {}
    below = "parent" if asked.is_related else "object"
    return {
        "actions": f"{root}/action/?{urlencode({'object': asked.uri, **related, 'order_by': '-start_date'})}",
        "kin": f"{root}/relationship/?{urlencode({'object': asked.uri, 'form': 'tree'})}",
        "events": f"{root}/events/?{urlencode({below: asked.uri})}",
    }
