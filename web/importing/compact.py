"""JSON text without the space between its marks: one form for what is written in many."""

import msgspec
from msgspec import Raw

NULL = Raw(b"null")


def compact(text: bytes | Raw) -> bytes:
    """The same JSON text, every name and value as it was written, without space in between."""
    return msgspec.json.format(text, indent=-1)


def as_body(value: Raw) -> str | None:
    """The body of an action, made of a request that was logged as JSON; None for null.

    Raises UnicodeDecodeError for one that is not UTF-8.
    """
    text = compact(value).decode()
    return None if text == "null" else text
