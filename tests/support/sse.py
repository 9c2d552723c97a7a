"""Server-sent events as their clients see them, over a real connection, read as the WHATWG's HTML says (9.2.6)."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import httpx

from tests.support.websocket import PATIENCE

# Any: a JSON document, whose parts are of every type that JSON has.
Json = dict[str, Any]


class Told(NamedTuple):
    """An event that was dispatched."""

    id: str
    event: str
    data: str

    @property
    def json(self) -> Json:
        """What it holds."""
        found: Json = json.loads(self.data)
        return found


class Events:
    """An open stream; `last_id` is what a client comes back with, `comments` and `retry` what else was said."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self.last_id = ""
        self.comments: list[str] = []
        self.retry: int | None = None
        self._dispatched = self._dispatch(answer.iter_lines())

    def any(self) -> Told:
        """Return the next event of whatever type."""
        return next(self._dispatched)

    def event(self) -> Json:
        """Return the next resource."""
        return next(self._resources())

    def events(self, count: int) -> list[Json]:
        """Return the next `count` resources."""
        return [self.event() for _ in range(count)]

    def rest(self) -> list[Told]:
        """Return all that comes until the server ends the body; raises where it breaks off."""
        return list(self._dispatched)

    def _resources(self) -> Iterator[Json]:
        for one in self._dispatched:
            assert one.event != "error", one
            if one.event != "position":
                assert (one.event, one.id) == (one.json["type"], str(one.json["position"]))
                yield one.json

    def _dispatch(self, lines: Iterator[str]) -> Iterator[Told]:
        data: list[str] = []
        last_id, event = self.last_id, ""
        for line in lines:
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            match name:
                case "" if line:
                    self.comments.append(value)
                case "":
                    self.last_id = last_id
                    if data:
                        yield Told(last_id, event or "message", "\n".join(data))
                    data, event = [], ""
                case "id":
                    last_id = value
                case "event":
                    event = value
                case "data":
                    data.append(value)
                case "retry":
                    self.retry = int(value)


@contextmanager
def telling(url: str, key: str, last_id: str | None = None) -> Iterator[Events]:
    """Open a stream, and hang up at the end; nothing is read before it is asked for."""
    headers = {"Authorization": f"Bearer {key}", "Accept": "text/event-stream"}
    headers |= {} if last_id is None else {"Last-Event-ID": last_id}
    with httpx.stream("GET", url, headers=headers, timeout=PATIENCE) as answer:
        if answer.is_error:
            answer.read()
        else:
            assert answer.headers["content-type"] == "text/event-stream"
        yield Events(answer)
