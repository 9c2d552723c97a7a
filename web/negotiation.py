"""Which media type an answer has: what the Accept header prefers among those that there are (RFC 9110, 12.5.1)."""

from collections.abc import Iterable, Sequence
from functools import lru_cache

from starlette.types import Scope

from deedbook.web.call import Call


def preferred(call: Call, offered: Sequence[bytes]) -> bytes:
    """Return the media type that the client wants most; the first one where it does not care, or wants none of them.

    Of two that it wants as much, the one that it names goes before one that a wildcard stands for.
    """
    return preferred_in(call.scope, offered)


def preferred_in(scope: Scope, offered: Sequence[bytes]) -> bytes:
    """Return the same for a request whose caller is not known yet."""
    return _preferred(_values(scope, b"accept"), tuple(offered))


@lru_cache(maxsize=100)
def _preferred(accept: tuple[bytes, ...], offered: tuple[bytes, ...]) -> bytes:
    wishes = _wishes(accept)

    def rank(media: bytes) -> tuple[float, int]:
        fitting = [(specific, quality) for kind, quality in wishes if (specific := _fits(kind, media)) is not None]
        specific, quality = max(fitting, default=(0, 0.0))
        return (quality, specific) if quality else (0.0, 0)

    return max(offered, key=rank)


def accepts_gzip(scope: Scope) -> bool:
    """Tell whether an answer may be compressed with gzip (RFC 9110, 12.5.3)."""
    return any(quality > 0 for coding, quality in _wishes(_values(scope, b"accept-encoding")) if coding == b"gzip")


def _values(scope: Scope, header: bytes) -> tuple[bytes, ...]:
    return tuple(value for name, value in scope["headers"] if name == header)


def _wishes(values: Iterable[bytes]) -> list[tuple[bytes, float]]:
    return [_wish(part) for value in values for part in value.split(b",") if part.strip()]


def _wish(part: bytes) -> tuple[bytes, float]:
    kind, *parameters = (piece.strip().lower() for piece in part.split(b";"))
    for parameter in parameters:
        name, _, value = parameter.partition(b"=")
        if name.strip() == b"q":
            return kind, _quality(value.strip())
    return kind, 1.0


def _quality(value: bytes) -> float:
    try:
        return min(1.0, max(0.0, float(value)))
    except ValueError:
        return 0.0


def _fits(kind: bytes, media: bytes) -> int | None:
    """Return how precisely a media range names a type, None where it does not."""
    if kind == media:
        return 2
    if kind == b"%b/*" % media.partition(b"/")[0]:
        return 1
    return 0 if kind == b"*/*" else None
