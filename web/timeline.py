"""Actions over time: how many of what the list finds were when, by state."""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from deedbook.projections.dates import iso8601_exactly
from deedbook.projections.timeline import Bucket, Timeline
from deedbook.web import list_query
from deedbook.web.actions import lag_header
from deedbook.web.as_of import Moments
from deedbook.web.call import Call, Reply
from deedbook.web.problems import bad
from deedbook.web.views import CaughtUpViews

#: The number of buckets: at the most, unless said otherwise; and at the most that may be said.
BUCKETS = 60
MOST = 200

#: Parameters of the list that say nothing of which actions are meant.
_PAGING = ("limit", "offset", "cursor", "order_by")
_OWN = ("from", "to", "buckets", "exact")


class Timelines(NamedTuple):
    """Answers how actions are spread over time."""

    views: CaughtUpViews
    moments: Moments

    async def tell(self, call: Call) -> Reply:
        """Count what the filters find, in buckets of a round width."""
        for name in _PAGING:
            if name in call.query:
                raise bad(f"A timeline has no pages and no order: leave out {name}.")
        filters = {name: values for name, values in call.query.items() if name not in _OWN}
        as_of = self.moments.asked(filters)
        query = list_query.parse(filters, call.namespace, as_of, newest_first=False)
        low, high, most, exactly = _asked({name: values for name, values in call.query.items() if name in _OWN})
        found, position, lag = await self.views.ask(
            lambda snapshot: snapshot.timeline(query, low, high, most, exactly=exactly),
            as_of,
            at_least=call.at_least,
            is_quick=False,
        )
        return Reply(200, msgspec.json.encode(_told(found)), position, lag_header(lag))


def _asked(parameters: Mapping[str, list[str]]) -> tuple[int | None, int | None, int, bool]:
    one = {name: list_query.single(name, values) for name, values in parameters.items()}
    low, high = list_query.date("from", one, 0), list_query.date("to", one, 1)
    if low is not None and high is not None and low > high:
        raise bad(f"from {one['from']!r} is behind to {one['to']!r}: exchange them.")
    most = list_query.number("buckets", one.get("buckets"), BUCKETS, 1, MOST)
    return low, high, most, list_query.flag("exact", one.get("exact", "false"))


def _told(timeline: Timeline) -> dict[str, object]:
    return {
        "from": None if timeline.start is None else iso8601_exactly(timeline.start),
        "to": None if timeline.end is None else iso8601_exactly(timeline.end),
        "width": timeline.width,
        "sampled": round(timeline.sampled, 4),
        "total_count": sum(bucket.total for bucket in timeline.buckets),
        "buckets": [_bucket(bucket) for bucket in timeline.buckets],
    }


def _bucket(bucket: Bucket) -> dict[str, object]:
    return {
        "from": iso8601_exactly(bucket.start),
        "to": iso8601_exactly(bucket.end),
        "total_count": bucket.total,
        "states": bucket.states,
    }
