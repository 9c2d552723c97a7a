"""Actions over time: on the page of the actions, and where no script runs on a page of its own."""

import time
from typing import NamedTuple

from deedbook.projections.action_query import ActionQuery
from deedbook.projections.dates import iso8601
from deedbook.projections.reader import Snapshot
from deedbook.projections.timeline import Timeline
from deedbook.web.as_of import Moments
from deedbook.web.call import Reply
from deedbook.web.console.actions_page import BOUND, EXACTLY, asked, filters_of, question
from deedbook.web.console.counted import counted
from deedbook.web.console.drawing import draw
from deedbook.web.console.filters import Filters
from deedbook.web.console.templating import Templates
from deedbook.web.console.visit import Visit
from deedbook.web.numbers import whole_number
from deedbook.web.views import CaughtUpViews

#: Bars at the most: on a wide screen, each has some pixels.
BARS = 120

_SECOND = 1_000_000


class TimelinePage(NamedTuple):
    """Answers the timeline."""

    views: CaughtUpViews
    moments: Moments
    templates: Templates

    async def page(self, visit: Visit) -> Reply:
        """Show the actions that the filters find over time; to a script as a part of a page."""
        as_of = self.moments.asked(visit.asked)
        query = asked(question(visit), visit.namespace, as_of)
        exactly, bound = EXACTLY in visit.asked, whole_number(visit.asked, BOUND, 0)

        def answer(snapshot: Snapshot) -> Timeline:
            return snapshot.timeline(query, query.start_from, _until(query), BARS, exactly=exactly)

        found, position, lag = await self.views.ask(answer, as_of, is_quick=False)
        filters = filters_of(visit, "/")
        reply = self.templates.reply(
            "timeline_part.html" if visit.is_fragment else "timeline.html",
            visit=visit,
            here="/",
            title="Timeline",
            filters=filters,
            drawing=draw(found),
            is_estimate=found.sampled < 1,
            counted=counted(found, bound) if bound or not visit.is_fragment else None,
            # It ends now, and not with the last: clocks differ, and some begin a little later.
            is_cut=query.start_to is None and query.start_from is not None and found.sampled >= 1,
            exact={EXACTLY: "true", BOUND: bound or None},
            outward=_outward(filters, query),
            whole=filters.changed(start_date__gte=None, start_date__lte=None),
            as_of=as_of,
            lag=lag,
        )
        reply.position = position
        return reply


def _until(query: ActionQuery) -> int | None:
    """Return where a timeline ends: what is asked from a date on goes up to now."""
    if query.start_to is not None or query.start_from is None:
        return query.start_to
    return max(query.start_from, int(time.time() * _SECOND))


def _outward(filters: Filters, query: ActionQuery) -> str | None:
    """Return the page with twice the range, around the same middle; None where all of the time is shown."""
    if query.start_from is None and query.start_to is None:
        return None
    if query.start_from is None:
        return filters.changed(start_date__lte=None)
    end = _until(query) or query.start_from
    half = max(_SECOND, (end - query.start_from) // 2)
    since = iso8601(max(0, query.start_from - half))
    until = None if query.start_to is None else iso8601(end + half)
    return filters.changed(start_date__gte=since, start_date__lte=until)
