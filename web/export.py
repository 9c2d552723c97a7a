"""The list as a file: all that the filters find, as CSV or NDJSON, in one piece and of one moment.

It is read page by page, each beyond the last place of the one before, as of the position that the views had when it was
asked for: so it takes no more memory than a page, holds nothing up, and what is recorded meanwhile is not in it.
"""

import asyncio
import csv
import io
from collections.abc import Callable, Iterable
from typing import NamedTuple

import msgspec
from msgspec import structs

from deedbook.domain.errors import Unavailable
from deedbook.projections.action_query import ActionQuery
from deedbook.projections.page import Page
from deedbook.projections.reader import Snapshot
from deedbook.projections.resource import ActionResource, decode
from deedbook.web import list_query
from deedbook.web.actions import Actions, lag_header
from deedbook.web.call import JSON, NDJSON, Call, Reply, Streamed
from deedbook.web.channels import UNREADABLE, WHOLE, BodyChannel
from deedbook.web.followers import Follower
from deedbook.web.lines import one_line
from deedbook.web.negotiation import preferred
from deedbook.web.problems import bad
from deedbook.web.streams import Streams
from deedbook.web.views import CaughtUpViews

CSV = b"text/csv"

#: Actions that are read at once, and the seconds that may take.
_PAGE, _PATIENCE = 500, 60.0

_FORMATS = {"json": JSON, "csv": CSV, "ndjson": NDJSON}
_COLUMNS = ActionResource.__struct_fields__

#: What a spreadsheet takes for the beginning of a formula, or skips before one (OWASP, CSV Injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


class Exports(NamedTuple):
    """Answers the list: a page of it as JSON, or the whole of it as a file."""

    actions: Actions
    streams: Streams

    async def answer(self, call: Call) -> Reply | Streamed:
        """Answer in the form that `format` names, else in the one that Accept prefers."""
        media = _media(call)
        if media == JSON:
            return await self.actions.page(call)
        for name in ("limit", "offset", "cursor"):
            if name in call.query:
                raise bad(f"A file holds all that the filters find: leave out {name}, or ask for JSON.")
        self.streams.followers.check(call.key)
        views, asked = self.actions.views, self.actions.moments.asked(call.query)
        query = list_query.parse(call.query, call.namespace, asked, newest_first=self.actions.newest_first)

        def begin(snapshot: Snapshot) -> tuple[ActionQuery, Page]:
            moment = max(1, snapshot.tracking.position) if asked is None else asked
            whole = structs.replace(query, as_of=moment, limit=_PAGE, whole=True)
            return whole, snapshot.actions(whole, _PATIENCE)

        # The first page before the answer begins: what fails here has a status.
        (whole, page), position, lag = await views.ask(begin, asked, at_least=call.at_least, is_quick=False)
        export = Export(views, whole, page, _WRITTEN[media])
        name = f"actions-{call.namespace or 'all'}-{position}.{'csv' if media == CSV else 'ndjson'}"
        headers = {
            b"content-disposition": b'attachment; filename="%b"' % name.encode(),
            b"cache-control": b"no-store",
            b"x-content-type-options": b"nosniff",
            **lag_header(lag),
        }
        kind = b"text/csv; charset=utf-8; header=present" if media == CSV else NDJSON
        return Streamed(self.streams.sending(call, BodyChannel, export.run, export.where), kind, position, headers)


class Export:
    """Sends all pages of a query from the first on, the next one only when the client took the last."""

    def __init__(
        self, views: CaughtUpViews, query: ActionQuery, first: Page, written: Callable[[Iterable[bytes]], bytes]
    ) -> None:
        self._views = views
        self._query = query
        self._page = first
        self._written = written
        self._sent = 0

    def where(self) -> str:
        """Tell how to go on where it broke off."""
        return f"as_of={self._query.as_of}, behind {self._sent} actions"

    async def run(self, follower: Follower) -> tuple[int, str]:
        """Send all; where the views can't be read any more, say that it is not whole."""
        if self._written is as_csv:
            await follower.send(_HEADER)
        while True:
            page = self._page
            await follower.send(await asyncio.to_thread(self._written, page.documents))
            self._sent += len(page.documents)
            if not page.has_more:
                return WHOLE, "these are all actions"
            query = structs.replace(self._query, beyond=page.last)
            try:
                self._page = await self._next(query)
            except Unavailable as error:
                return UNREADABLE, str(error)[:100]

    async def _next(self, query: ActionQuery) -> Page:
        page, _, _ = await self._views.ask(
            lambda snapshot: snapshot.actions(query, _PATIENCE), query.as_of, is_quick=False
        )
        return page


def as_ndjson(documents: Iterable[bytes]) -> bytes:
    """Return actions as lines of NDJSON."""
    return b"".join(b"%b\n" % one_line(document) for document in documents)


def as_csv(documents: Iterable[bytes]) -> bytes:
    """Return actions as rows of CSV (RFC 4180); what a spreadsheet would run begins with an apostrophe."""
    return _rows([_cell(value) for value in structs.astuple(decode(document))] for document in documents)


def _rows(rows: Iterable[Iterable[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _cell(value: object) -> str:
    """Return a value as a cell: null as nothing, a list as JSON."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return msgspec.json.encode(value).decode()
    return f"'{value}" if value.startswith(_FORMULA) else value


_HEADER = _rows([_COLUMNS])

_WRITTEN: dict[bytes, Callable[[Iterable[bytes]], bytes]] = {CSV: as_csv, NDJSON: as_ndjson}


def _media(call: Call) -> bytes:
    if "format" not in call.query:
        return preferred(call, (JSON, CSV, NDJSON))
    name = list_query.single("format", call.query["format"])
    if name not in _FORMATS:
        raise bad(f"format is json, csv or ndjson, not {name!r}.")
    return _FORMATS[name]
