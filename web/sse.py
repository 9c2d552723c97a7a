"""Server-sent events, as section 9.2 of the WHATWG's HTML has them: what stands in the body of such a stream.

Every block that ends with a blank line is an event with data: some clients hand on one without, and stumble over it.
"""

import msgspec

from deedbook.web.frames import Frame

#: The media type; its text is always UTF-8.
EVENT_STREAM = b"text/event-stream"

#: How long a client waits before it comes back, in milliseconds.
_RETRY = 1000

#: An idle stream says something after so many seconds: what stands between may take it for dead otherwise.
HEARTBEAT = 15.0

#: A comment: nobody is told of it.
COMMENT = ":\n"


def begin(position: int | None) -> str:
    """Return what comes first: when to come back; and from which position on, for who did not say so.

    With it, a client that is cut off before it saw an event resumes there, and misses none.
    """
    return f"retry: {_RETRY}\n{'' if position is None else reached(position)}"


def event(frame: Frame) -> str:
    """Return an event: its position is its id."""
    return f"id: {frame.position}\nevent: {frame.type}\ndata: {frame.resource}\n\n"


def reached(position: int) -> str:
    """Return an event that says how far the stream has come: to resume there spares what was not wanted before it."""
    return f'id: {position}\nevent: position\ndata: {{"position":{position}}}\n\n'


def error(sentence: str) -> str:
    """Return an event that says why the stream ends."""
    return f"event: error\ndata: {msgspec.json.encode({'error': sentence}).decode()}\n\n"


def comment(words: str) -> str:
    """Return a comment."""
    return f": {words}\n"
