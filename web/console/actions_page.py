"""The list of actions: filtered, counted, page by page, as it is or as it was."""

import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from deedbook.domain.lifecycle import State
from deedbook.domain.log import EventLog
from deedbook.projections.action_query import ActionQuery
from deedbook.projections.dates import iso8601
from deedbook.projections.page import Page
from deedbook.projections.resource import ActionResource, decode
from deedbook.web import list_query
from deedbook.web.actions import cursors
from deedbook.web.as_of import Moments
from deedbook.web.call import Reply
from deedbook.web.console.filters import LABELS, Asked, Filters, for_field
from deedbook.web.console.searches_page import on_page, saved_in
from deedbook.web.console.templating import Templates
from deedbook.web.console.typed import untyped
from deedbook.web.console.visit import Visit
from deedbook.web.views import CaughtUpViews

#: Actions on a page.
ROWS = 50

#: The filters that stand behind "More filters": where one is active, they are shown.
_MORE = frozenset({"action", "user", "object", "method", "ip", "user_agent", "is_user_action"})

#: Asks for a timeline that is counted, where it would be estimated.
EXACTLY = "exact"

#: Asks a timeline how many there are, since the list knows only that there are so many at least.
BOUND = "bound"

#: Ranges that are offered, which end now, by their seconds; that of today begins with its day.
_RANGES = (("Last hour", 3600), ("Today", 0), ("7 days", 7 * 86_400))


class Then(NamedTuple):
    """The moment of a page: the log's head, and when its position was recorded, as a date and for a field of one."""

    head: int
    recorded: str | None
    field: str


class Listed(NamedTuple):
    """What a page lists; `further` and `back` are the pages next to it, `order` is how the API is asked for it.

    bound: where the total is not known, the number that there are at least; else None.
    """

    actions: Sequence[ActionResource]
    total: int
    bound: int | None
    newest_first: bool
    order: Mapping[str, str | int | None]
    limit: int
    is_first: bool
    further: str | None
    back: str | None


class ActionsPage(NamedTuple):
    """Answers the list of actions."""

    log: EventLog
    views: CaughtUpViews
    moments: Moments
    templates: Templates

    async def page(self, visit: Visit) -> Reply:
        """Show a page of the list."""
        as_of = self.moments.asked(visit.asked)
        query = asked(question(visit), visit.namespace, as_of)
        (found, searches), position, lag = await self.views.weigh(
            lambda snapshot, patience: (snapshot.actions(query, patience), saved_in(snapshot, visit.namespace)),
            list_query.cost(query),
            as_of,
        )
        filters = filters_of(visit, "/")
        reply = self.templates.reply(
            "actions.html",
            visit=visit,
            here="/",
            title="Actions",
            position=position,
            lag=lag,
            states=list(State),
            ranges=[(name, span, iso8601(_since(span))) for name, span in _RANGES],
            is_open=not _MORE.isdisjoint(filters.asked),
            chosen_id=_id_in(filters.asked),
            as_of=as_of,
            saved=on_page(searches, visit, filters),
            then=self._then(as_of, position),
            filters=filters,
            listed=_listed(filters, query, found),
        )
        reply.position = position
        return reply

    def _then(self, as_of: int | None, position: int) -> Then:
        recorded = None if as_of is None else self.log.recorded(as_of)
        return Then(
            position if as_of is None else self.log.head(),
            None if recorded is None else iso8601(recorded),
            "" if recorded is None else for_field(recorded),
        )


def question(visit: Visit) -> Asked:
    """Return which actions a page is asked for: a form's mark for related objects says nothing without an object."""
    meant = untyped(visit.asked)
    beside = {EXACTLY, BOUND} if "object" in meant else {EXACTLY, BOUND, "include_related"}
    return {name: values for name, values in meant.items() if name not in beside}


def asked(parameters: Asked, namespace: str | None, as_of: int | None) -> ActionQuery:
    """Return what a page asks the views: the newest first; raises the 400 of a filter that makes no sense."""
    return list_query.parse({"limit": [str(ROWS)], **parameters}, namespace, as_of, newest_first=True)


def filters_of(visit: Visit, path: str) -> Filters:
    """Return what a page was asked, for the links on it."""
    return Filters(path, visit.chosen, question(visit))


def only_filters(parameters: Asked) -> Asked:
    """Return what narrows a list, without where and in which order one looks at it."""
    return {name: values for name, values in parameters.items() if name in LABELS}


def _listed(filters: Filters, query: ActionQuery, found: Page) -> Listed:
    further, back = cursors(query, found)
    # All pages are of one moment: the date that somebody gave is told as the position that it meant.
    moment = {} if query.as_of is None else {"as_of": query.as_of}
    return Listed(
        [decode(document) for document in found.documents],
        found.total,
        None if found.is_exact else max(found.total, len(found.documents)),
        query.newest_first,
        {"order_by": "-start_date" if query.newest_first else "start_date", "as_of": query.as_of},
        query.limit,
        query.beyond is None and not query.offset,
        None if further is None else filters.changed(cursor=further, **moment),
        None if back is None else filters.changed(cursor=back, **moment),
    )


def _id_in(parameters: Asked) -> str | None:
    """Return the id of an action that somebody looked for as text."""
    try:
        return str(UUID(parameters["q"][-1].strip()))
    except (KeyError, ValueError):
        return None


def _since(span: int) -> int:
    """Return when a range that ends now began, in microseconds; that of no seconds is of today, in UTC."""
    now = int(time.time())
    return (now - span if span else now - now % 86_400) * 1_000_000
