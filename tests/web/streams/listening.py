"""Short ways to open the streams of a server, as the holder of a key."""

from contextlib import AbstractContextManager

from tests.support.server import Server
from tests.support.websocket import Stream, bearer, following
from tests.web.api.callers import Caller, Json


def events(server: Server, caller: Caller, query: str = "") -> AbstractContextManager[Stream]:
    """Open the event stream."""
    return following(f"{server.stream}/events/?{query}", bearer(caller.key))


def output(server: Server, caller: Caller, action: Json, query: str = "") -> AbstractContextManager[Stream]:
    """Open the log stream of an action."""
    return following(f"{server.stream}/action/{action['uuid']}/logs/?{query}", bearer(caller.key))


def head(caller: Caller) -> int:
    """Return a position that all events so far stand at or before."""
    return int(caller.get("/action/?limit=1").headers["Deedbook-Position"])


def running(caller: Caller, *lines: str) -> Json:
    """Record an action that runs, with these lines of output."""
    action = caller.record(state="In progress")
    if lines:
        append(caller, action, *lines)
    return action


def append(caller: Caller, action: Json, *lines: str) -> None:
    """Append lines to an action's output."""
    caller.act(action, "logs", {"lines": lines})


def finish(caller: Caller, action: Json, state: str = "Success") -> Json:
    """Report how an action ended."""
    return caller.act(action, "finish", {"state": state})
