"""The whole route table."""

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp

from deedbook.domain.keys import Right
from deedbook.web.actions import Actions
from deedbook.web.gate import Gate
from deedbook.web.health import Health
from deedbook.web.keys import Keys
from deedbook.web.output import Output
from deedbook.web.paths import ROOT, Canonical
from deedbook.web.problems import body_of
from deedbook.web.relationships import Relationships
from deedbook.web.resource import Method, Resource
from deedbook.web.streams import Streams


def create_app(
    *,
    gate: Gate,
    actions: Actions,
    output: Output,
    relationships: Relationships,
    keys: Keys,
    streams: Streams,
    health: Health,
    description: ASGIApp,
) -> Starlette:
    """Return the application: every path, every method, and the right that it needs."""
    may = Right
    action = f"{ROOT}/action/{{uuid}}"
    routes = [
        Route(f"{ROOT}/action", Resource(
            gate, GET=Method(may.READ, actions.page), POST=Method(may.RECORD, actions.record))),
        Route(action, Resource(gate, GET=Method(may.READ, actions.one))),
        Route(f"{action}/cancel", Resource(gate, POST=Method(may.CANCEL, actions.cancel))),
        Route(f"{action}/retry", Resource(gate, POST=Method(may.RETRY, actions.retry))),
        Route(f"{action}/finish", Resource(gate, POST=Method(may.FINISH, actions.finish))),
        Route(f"{action}/logs", Resource(
            gate, GET=Method(may.READ, streams.needs_upgrade), POST=Method(may.APPEND, output.append))),
        WebSocketRoute(f"{action}/logs", streams.follow_output),
        Route(f"{ROOT}/events", Resource(gate, GET=Method(may.READ, streams.needs_upgrade))),
        WebSocketRoute(f"{ROOT}/events", streams.follow_events),
        Route(f"{ROOT}/relationship", Resource(
            gate,
            GET=Method(may.READ, relationships.tell),
            POST=Method(may.RELATE, relationships.state),
            DELETE=Method(may.RELATE, relationships.end),
        )),
        Route(f"{ROOT}/key", Resource(
            gate, GET=Method(may.ADMINISTER, keys.page), POST=Method(may.ADMINISTER, keys.issue))),
        Route(f"{ROOT}/key/{{id}}", Resource(gate, DELETE=Method(may.ADMINISTER, keys.revoke))),
        WebSocketRoute("/{path:path}", streams.unknown),
        Route("/health", health),
        Route("/openapi.json", description),
    ]  # fmt: skip
    app = Starlette(
        routes=routes,
        middleware=[Middleware(Canonical)],
        exception_handlers={404: _no_such_path},
    )
    app.router.redirect_slashes = False
    return app


async def _no_such_path(request: Request, _error: Exception) -> Response:
    sentence = f"There is no path {request.url.path}; /openapi.json lists those that there are."
    return Response(body_of(sentence), 404, media_type="application/json")
