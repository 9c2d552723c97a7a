"""The action resource: the list, one action, and what can be done to it."""

from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlencode
from uuid import UUID

import msgspec

from deedbook.domain.action import Action
from deedbook.domain.commands import Finish, RequestCancel, Retry
from deedbook.domain.errors import UnknownAction
from deedbook.domain.lifecycle import FINAL, State
from deedbook.domain.results import Answer, Recorded
from deedbook.projections.action_query import ActionQuery
from deedbook.projections.page import Page
from deedbook.projections.resource import encode, resource_of
from deedbook.web import list_query
from deedbook.web.as_of import Moments
from deedbook.web.batches import record_batch
from deedbook.web.call import ACTION_BODY, NDJSON, Call, Reply, parameters_of
from deedbook.web.courier import Courier
from deedbook.web.cursors import Cursor
from deedbook.web.paths import ROOT
from deedbook.web.problems import bad
from deedbook.web.remembering import remembered
from deedbook.web.views import CaughtUpViews
from deedbook.web.wire import FinishRequest, RecordRequest, decoded, recording

#: Spelled so, with its capitals: one published client greps for it.
ACTION_URI = b"X-DockerCloud-Action-URI"


class Actions(NamedTuple):
    """Answers everything about actions."""

    courier: Courier
    views: CaughtUpViews
    moments: Moments
    new_id: Callable[[], UUID]
    newest_first: bool

    async def page(self, call: Call) -> Reply:
        """Answer a page of the list."""
        as_of = self.moments.asked(call.query)
        query = list_query.page_asked(call.scope["query_string"], call.namespace, as_of, self.newest_first)
        found, position, lag = await self.views.weigh(
            lambda snapshot, patience: snapshot.actions(query, patience),
            list_query.cost(query),
            as_of,
            at_least=call.at_least,
        )
        return Reply(200, envelope(call, query, found), position, lag_header(lag))

    async def one(self, call: Call) -> Reply:
        """Answer one action."""
        action, namespace, as_of = call.action, call.namespace, self.moments.asked(call.query)
        document, position, lag = await self.views.ask(
            lambda snapshot: snapshot.action(action, namespace, as_of), as_of, at_least=call.at_least
        )
        if document is None:
            raise UnknownAction(action)
        return Reply(200, document, position, lag_header(lag))

    async def retries(self, call: Call) -> Reply:
        """Answer what an action retries, and what retries it."""
        for name in call.query:
            raise bad(f"There is no parameter {name}: this takes none.")
        action, namespace = call.action, call.namespace
        (known, found), position, lag = await self.views.ask(
            lambda snapshot: (snapshot.action(action, namespace), snapshot.retries(action, namespace)),
            at_least=call.at_least,
        )
        if known is None:
            raise UnknownAction(action)
        told = b'{"before":[%b],"after":[%b],"is_whole":%b}' % (
            b",".join(found.before), b",".join(found.after), b"true" if found.is_whole else b"false"
        )  # fmt: skip
        return Reply(200, told, position, lag_header(lag))

    async def record(self, call: Call) -> Reply:
        """Record one action, or a batch of them."""
        if call.media() == NDJSON:
            return await record_batch(call, self.courier, self.new_id)
        body = await call.body(ACTION_BODY, "an action")
        request = decoded(body, RecordRequest)
        command = recording(request, self.new_id(), call.home, call.caller)
        once = call.once(b"record", request)
        return accepted(await self.courier.perform(command, once))

    async def cancel(self, call: Call) -> Reply:
        """Cancel an action."""
        command = RequestCancel(id=call.action, namespace=call.namespace, by=call.caller)
        await call.body(ACTION_BODY)
        once = call.once(b"cancel", call.action)
        return accepted(await self.courier.perform(command, once), status=202)

    async def retry(self, call: Call) -> Reply:
        """Retry an action, as a new one."""
        command = Retry(id=call.action, namespace=call.namespace, by=call.caller, retry=self.new_id())
        await call.body(ACTION_BODY)
        once = call.once(b"retry", call.action)
        return accepted(await self.courier.perform(command, once), status=202)

    async def finish(self, call: Call) -> Reply:
        """Take a worker's report that an action ended."""
        call.media()
        request = decoded(await call.body(ACTION_BODY), FinishRequest)
        command = Finish(
            id=call.action,
            namespace=call.namespace,
            by=call.caller,
            state=State(request.state),
            reason=request.reason,
        )
        once = call.once(b"finish", call.action, request)
        return accepted(await self.courier.perform(command, once), status=200)


def accepted(answer: Answer, status: int | None = None) -> Reply:
    """Return the answer to a command about an action: by default 201 where it has ended, 202 where it has not."""
    action = action_of(answer)
    resource = resource_of(action)
    headers: dict[bytes, bytes] = {ACTION_URI: resource.resource_uri.encode()}
    return Reply(status or status_of(action), encode(resource), answer.position, headers)


def action_of(answer: Answer) -> Action:
    """Return the action in an answer that holds one."""
    if not isinstance(answer.result, Recorded):
        raise TypeError(f"the answer holds {type(answer.result).__name__}, no action")
    return answer.result.action


def status_of(action: Action) -> int:
    """Return what recording an action is answered with."""
    return 201 if action.state in FINAL else 202


def lag_header(lag: int | None) -> dict[bytes, bytes]:
    """Return the header that says how far an answer is behind."""
    return {} if lag is None else {b"deedbook-lag": b"%d" % lag}


def envelope(call: Call, query: ActionQuery, page: Page) -> bytes:
    """Return a page as the list envelope; its `next` and `previous` keep the filters and the namespace."""
    next_cursor, previous_cursor = cursors(query, page)
    behind, before = _links(call, query, page, next_cursor, previous_cursor)
    meta = {
        "limit": query.limit,
        "offset": query.offset,
        "next": behind,
        "previous": before,
        "next_cursor": next_cursor,
        "previous_cursor": previous_cursor,
        "total_count": page.total,
        **({} if page.is_exact else {"total_is_exact": False}),
    }
    return b'{"meta":%b,"objects":[%b]}' % (msgspec.json.encode(meta), b",".join(page.documents))


def _links(
    call: Call, query: ActionQuery, page: Page, next_cursor: str | None, previous_cursor: str | None
) -> tuple[str | None, str | None]:
    """Return the URIs of the pages behind and before one: by cursor where it was asked for by one, else by offset."""
    if query.beyond is not None:
        return (
            None if next_cursor is None else _link(call, query, cursor=next_cursor),
            None if previous_cursor is None else _link(call, query, cursor=previous_cursor),
        )
    return (
        _link(call, query, offset=query.offset + query.limit) if page.has_more else None,
        _link(call, query, offset=max(0, query.offset - query.limit)) if query.offset else None,
    )


def cursors(query: ActionQuery, page: Page) -> tuple[str | None, str | None]:
    """Return the cursors of the pages behind and before one, None where there is none."""
    if page.first is None or page.last is None:
        return None, None
    # Where it came from, there is something.
    has_next = page.has_more or query.backwards
    has_previous = page.has_more if query.backwards else bool(query.offset or query.beyond)
    return (
        str(Cursor(page.last, backwards=False)) if has_next else None,
        str(Cursor(page.first, backwards=True)) if has_previous else None,
    )


def _link(call: Call, query: ActionQuery, **place: object) -> str:
    named = call.scope["namespace"]
    root = ROOT if named is None else f"{ROOT}/{named}"
    # What is a number, or of a cursor's characters, needs no escapes, which would take longer than all of this.
    where = "&".join(f"{name}={value}" for name, value in (("limit", query.limit), *place.items()))
    return f"{root}/action/?{_filters(call.scope['query_string'], query.as_of)}{where}"


@remembered
def _filters(text: bytes, as_of: int | None) -> str:
    """Return the filters of a query string, as they stand in a link before its place."""
    filters = [
        # A date is told as the position that it meant: so all pages are of one moment.
        (name, str(as_of) if name == "as_of" else value)
        for name, values in parameters_of(text).items()
        if name not in ("limit", "offset", "cursor")
        for value in values
    ]
    return f"{urlencode(filters)}&" if filters else ""
