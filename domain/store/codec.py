"""Events to stored bytes and back: JSON by msgspec, under explicit topics; old versions come in through upcasters."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from deedbook.domain.events import EVENTS, Event

_ENCODER = msgspec.json.Encoder()
_DECODERS: dict[str, Callable[[bytes], Event]] = {
    topic: msgspec.json.Decoder(kind).decode for topic, kind in EVENTS.items()
}

#: From an old topic to the function that turns its decoded JSON into that of the next version, and that one's topic.
Upcasters = Mapping[str, tuple[str, Callable[[dict[str, Any]], dict[str, Any]]]]

UPCASTERS: Upcasters = {
    # Version 1 did not say who made room. What was not recorded then is not made up now.
    "action.started/1": ("action.started/2", lambda fields: {**fields, "by": {}}),
}


def encode(event: Event) -> tuple[str, bytes]:
    """Return the topic and the bytes that an event is stored as."""
    return event.TOPIC, _ENCODER.encode(event)


def decode(topic: str, state: bytes, upcasters: Upcasters = UPCASTERS) -> Event:
    """Return the event that was stored; raises ValueError with a reason where it can't be read.

    Never guesses: a topic that this version doesn't know, or bytes that are not what the topic says, are errors.
    """
    try:
        decoder = _DECODERS.get(topic)
        return _decode_old(topic, state, upcasters) if decoder is None else decoder(state)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError(f"its bytes are not an event of topic {topic} ({error})") from error


def _decode_old(topic: str, state: bytes, upcasters: Upcasters) -> Event:
    if topic not in upcasters:
        raise ValueError(f"this version of Deedbook does not know the topic {topic}; a newer one may")
    fields = msgspec.json.decode(state, type=dict[str, Any])
    while topic in upcasters:
        topic, upcast = upcasters[topic]
        fields = upcast(fields)
    event: Event = msgspec.convert(fields, EVENTS[topic], strict=True)
    return event
