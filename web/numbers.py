"""Whole numbers in queries: positions, lines, how many."""

from collections.abc import Mapping

from deedbook.web.problems import bad

#: A number of more digits would not fit into 64 bits.
_DIGITS = 18


def whole_number(query: Mapping[str, list[str]], name: str, default: int, most: int | None = None) -> int:
    """Return a parameter, or its default where it is not there; raises the 400, also where it is beyond `most`."""
    values = query.get(name)
    if values is None:
        return default
    text = values[-1]
    if not text.isascii() or not text.isdigit() or len(text) > _DIGITS:
        raise bad(f"{name} is a whole number from 0 on, not {text!r}.")
    if most is not None and int(text) > most:
        raise bad(f"{name} is {text}, but there is only {most} so far.")
    return int(text)
