"""The whole route table."""

from collections.abc import Callable, Sequence

from starlette.routing import BaseRoute, Route, Router, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from deedbook.domain.keys import Right
from deedbook.web.actions import Actions
from deedbook.web.admin import Admin
from deedbook.web.call import Reply
from deedbook.web.direct import Direct
from deedbook.web.export import Exports
from deedbook.web.gate import Gate
from deedbook.web.health import Health
from deedbook.web.history import History
from deedbook.web.keys import Keys
from deedbook.web.metered import Metered
from deedbook.web.metrics import Metrics
from deedbook.web.objects import Objects
from deedbook.web.output import Output
from deedbook.web.paths import ROOT, Canonical
from deedbook.web.problems import body_of
from deedbook.web.relationships import Relationships
from deedbook.web.resource import Method, Resource, send_reply
from deedbook.web.searches import Searches
from deedbook.web.streams import Streams
from deedbook.web.timeline import Timelines
from deedbook.web.users import Users


def create_app(  # noqa: PLR0913  # one for each that answers
    *,
    gate: Gate,
    actions: Actions,
    exports: Exports,
    timelines: Timelines,
    output: Output,
    relationships: Relationships,
    users: Users,
    objects: Objects,
    searches: Searches,
    keys: Keys,
    admin: Admin,
    streams: Streams,
    history: History,
    health: Health,
    metrics: Metrics,
    description: ASGIApp,
    pages: Sequence[BaseRoute],
    nowhere: Callable[[Scope, Receive], Reply | None],
) -> Canonical:
    """Return the application: every path, every method, and the right that it needs.

    Starlette's router and nothing around it: each resource turns its own errors into answers, and the two middlewares
    that an application brings for that cost a twentieth of a durable POST.
    """
    may = Right
    action = f"{ROOT}/action/{{uuid}}"
    routes = [
        Route(f"{ROOT}/action", Resource(
            gate, GET=Method(may.READ, exports.answer), POST=Method(may.RECORD, actions.record))),
        Route(f"{ROOT}/action/timeline", Resource(gate, GET=Method(may.READ, timelines.tell))),
        Route(action, Resource(gate, GET=Method(may.READ, actions.one))),
        Route(f"{action}/retries", Resource(gate, GET=Method(may.READ, actions.retries))),
        Route(f"{action}/cancel", Resource(gate, POST=Method(may.CANCEL, actions.cancel))),
        Route(f"{action}/retry", Resource(gate, POST=Method(may.RETRY, actions.retry))),
        Route(f"{action}/finish", Resource(gate, POST=Method(may.FINISH, actions.finish))),
        Route(f"{action}/logs", Resource(
            gate, GET=Method(may.READ, streams.output), POST=Method(may.APPEND, output.append))),
        WebSocketRoute(f"{action}/logs", streams.follow_output),
        Route(f"{action}/history", Resource(gate, GET=Method(may.READ, history.of_action))),
        Route(f"{ROOT}/event", Resource(gate, GET=Method(may.READ, history.page))),
        Route(f"{ROOT}/events", Resource(gate, GET=Method(may.READ, streams.events))),
        WebSocketRoute(f"{ROOT}/events", streams.follow_events),
        Route(f"{ROOT}/user", Resource(gate, GET=Method(may.READ, users.page))),
        Route(f"{ROOT}/object", Resource(gate, GET=Method(may.READ, objects.tell))),
        Route(f"{ROOT}/relationship", Resource(
            gate,
            GET=Method(may.READ, relationships.tell),
            POST=Method(may.RELATE, relationships.state),
            DELETE=Method(may.RELATE, relationships.end),
        )),
        Route(f"{ROOT}/search", Resource(
            gate,
            GET=Method(may.READ, searches.page),
            POST=Method(may.SAVE, searches.save),
            DELETE=Method(may.SAVE, searches.delete),
        )),
        Route(f"{ROOT}/key", Resource(
            gate, GET=Method(may.ADMINISTER, keys.page), POST=Method(may.ADMINISTER, keys.issue))),
        Route(f"{ROOT}/key/{{id}}", Resource(gate, DELETE=Method(may.ADMINISTER, keys.revoke))),
        Route(f"{ROOT}/admin/rebuild", Resource(
            gate, GET=Method(may.ADMINISTER, admin.progress), POST=Method(may.ADMINISTER, admin.rebuild))),
        WebSocketRoute("/{path:path}", streams.unknown),
        Route("/health", health),
        Route("/metrics", metrics),
        Route("/openapi.json", description),
        *pages,
    ]  # fmt: skip
    router = Router(routes, redirect_slashes=False, default=NoSuchPath(gate, nowhere))
    return Canonical(Metered(Direct(router), metrics.requests))


class NoSuchPath:
    """Answers what no route takes."""

    def __init__(self, gate: Gate, page: Callable[[Scope, Receive], Reply | None]) -> None:
        self._gate = gate
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 404, a browser with a page; what is no WebSocket came by HTTP, since a route takes every WebSocket."""
        sentence = f"There is no path {scope['path']}; /openapi.json lists those that there are."
        reply = self._page(scope, receive) or Reply(404, body_of(sentence))
        reply.position = self._gate.position()
        await send_reply(send, reply)
