"""Server-sent events, as section 9.2 of the WHATWG's HTML has them: what stands in the body of such a stream.

Every block that ends with a blank line is an event with data: some clients hand on one without, and stumble over it.
"""

import msgspec

#: The media type; its text is always UTF-8.
EVENT_STREAM = b"text/event-stream"

#: How long a client waits before it comes back, in milliseconds.
_RETRY = 1000

#: An idle stream says something after so many seconds: what stands between may take it for dead otherwise.
HEARTBEAT = 15.0

#: A comment: nobody is told of it.
COMMENT = b":\n"


def begin(position: int | None) -> bytes:
    """Return what comes first: when to come back; and from which position on, for who did not say so.

    With it, a client that is cut off before it saw an event resumes there, and misses none.
    """
    return b"retry: %d\n%b" % (_RETRY, b"" if position is None else reached(position))


def event(position: int, kind: str, data: bytes) -> bytes:
    """Return an event: its position is its id; its data is on one line."""
    return b"id: %d\nevent: %b\ndata: %b\n\n" % (position, kind.encode(), data)


def reached(position: int) -> bytes:
    """Return an event that says how far the stream has come: to resume there spares what was not wanted before it."""
    return event(position, "position", b'{"position":%d}' % position)


def error(sentence: str) -> bytes:
    """Return an event that says why the stream ends."""
    return b"event: error\ndata: %b\n\n" % msgspec.json.encode({"error": sentence})


def comment(words: str) -> bytes:
    """Return a comment."""
    return f": {words}\n".encode()
