"""What a query string comes to, remembered: who polls asks the same again and again.

It is for what holds no credentials: the query string of a stream may, and is not kept.

Measured in CPU, at eight connections and ten million actions: a page by state takes 342 µs instead of 447, one by user
437 instead of 467.
"""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Concatenate, ParamSpec, TypeVar

#: So many strings are remembered, and none of more bytes: clients can send any, and long ones are rarely the same.
MOST, LONGEST = 1000, 256

More = ParamSpec("More")
Found = TypeVar("Found")


def remembered(
    function: Callable[Concatenate[bytes, More], Found],
) -> Callable[Concatenate[bytes, More], Found]:
    """Let what a function makes of a query string be made once: it is for all who ask, and nobody may change it."""
    known = lru_cache(maxsize=MOST)(function)

    @wraps(function)
    def asked(text: bytes, /, *args: More.args, **kwargs: More.kwargs) -> Found:
        if len(text) > LONGEST:
            return function(text, *args, **kwargs)
        return known(text, *args, **kwargs)  # type: ignore[arg-type]  # whoever is remembered takes what can be hashed

    return asked
