"""What happened: every event of one action, and the log page by page."""

import asyncio
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlencode

import msgspec

from deedbook.domain.errors import Undecodable
from deedbook.domain.log import EventLog, Happened
from deedbook.web.call import JSON, NDJSON, Call, Reply
from deedbook.web.course import Course
from deedbook.web.event_resource import encode, told
from deedbook.web.gate import Gate
from deedbook.web.list_query import LIMIT, MOST
from deedbook.web.negotiation import preferred
from deedbook.web.numbers import whole_number
from deedbook.web.paths import ROOT
from deedbook.web.problems import bad, not_found
from deedbook.web.wanted import FILTERS, Wanted, wanted

#: A page ends early where it has looked at so many events, or holds so many bytes: what it costs does not hang on whose
#: the events are, nor on how large.
LOOKED_AT = 5_000
_BYTES = 4 * 1024 * 1024

#: Events read from the log at once.
_READ = 250


class Asked(NamedTuple):
    """A page that is asked for: at most `limit` events behind `after`, of those up to `head` that are wanted."""

    which: Wanted
    after: int
    head: int
    limit: int


class Page(NamedTuple):
    """Events as JSON, and the last position that was looked at for them."""

    documents: list[bytes]
    reached: int


class History(NamedTuple):
    """Answers what happened, from the log itself: no view has to be waited for."""

    gate: Gate
    log: EventLog

    async def of_action(self, call: Call) -> Reply:
        """Answer every event of an action, oldest first."""
        if not self.gate.is_visible(call):
            raise not_found(f"action {call.scope['path_params']['uuid']}")
        for name in call.query:
            raise bad(f"There is no parameter {name}; a history is always whole.")
        head = self.log.head()
        documents = await asyncio.to_thread(lambda: list(_told(self.log, call)))
        return Reply(200, b'{"objects":[%b]}' % b",".join(documents), head)

    async def page(self, call: Call) -> Reply:
        """Answer a page of the log: JSON, or NDJSON where that is preferred."""
        which = wanted(call.query, call.namespace, (*FILTERS, "limit"))
        head = self.log.head()
        limit = min(MOST, whole_number(call.query, "limit", LIMIT))
        if limit == 0:
            raise bad("limit is a whole number from 1 on, not '0'.")
        asked = Asked(which, whole_number(call.query, "after", 0, head), head, limit)
        page = await asyncio.to_thread(page_of, self.log, asked)
        link = _link(call, asked.limit, page.reached) if page.reached < head else None
        headers = {} if link is None else {b"link": f'<{link}>; rel="next"'.encode()}
        if preferred(call, (JSON, NDJSON)) == NDJSON:
            lines = b"".join(b"%b\n" % document for document in page.documents)
            return Reply(200, lines, head, headers, NDJSON)
        meta = {"limit": asked.limit, "after": asked.after, "next": link, "head": head}
        body = b'{"meta":%b,"objects":[%b]}' % (msgspec.json.encode(meta), b",".join(page.documents))
        return Reply(200, body, head, headers)


def page_of(log: EventLog, asked: Asked) -> Page:
    """Return a page: it ends early where it costs too much, or before an event that can't be read.

    Raises `Undecodable` where that is the first one: the page can't get over it, and must not do as if it could.
    """
    course = Course(log)
    documents: list[bytes] = []
    reached, size = asked.after, 0
    try:
        for happened in _between(log, asked):
            step = course.step(happened)
            if step is not None and asked.which.holds(step):
                documents.append(encode(told(step)))
                size += len(documents[-1])
            reached = happened.position
            if len(documents) == asked.limit or size >= _BYTES:
                break
    except Undecodable:
        if reached == asked.after:
            raise
    return Page(documents, reached)


def _between(log: EventLog, asked: Asked) -> Iterator[Happened]:
    """Return the events that a page may look at."""
    reached, last = asked.after, min(asked.head, asked.after + LOOKED_AT)
    while reached < last:
        found = log.read(reached, min(_READ, last - reached))
        yield from found
        reached = found[-1].position if found else last


def _told(log: EventLog, call: Call) -> Iterator[bytes]:
    course = Course(log)
    for happened in log.history(call.action):
        step = course.step(happened)
        if step is not None:
            yield encode(told(step))


def _link(call: Call, limit: int, after: int) -> str:
    """Return the URI of the page behind a position: with the filters and the namespace of the request."""
    filters = [
        (name, value) for name, values in call.query.items() if name not in ("limit", "after") for value in values
    ]
    named = call.scope["namespace"]
    root = ROOT if named is None else f"{ROOT}/{named}"
    return f"{root}/event/?{urlencode([*filters, ('after', after), ('limit', limit)])}"
