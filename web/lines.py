"""JSON that is one line to everybody."""

#: What JSON need not escape, and some clients end a line at (Python's `splitlines`, httpx's `iter_lines`), in UTF-8.
_BREAKS = {b"\xc2\x85": b"\\u0085", b"\xe2\x80\xa8": b"\\u2028", b"\xe2\x80\xa9": b"\\u2029"}


def one_line(json: bytes) -> bytes:
    """Return JSON with whatever somebody takes for a line break escaped; these can only stand in its strings."""
    if json.isascii():
        return json
    for sign, escaped in _BREAKS.items():
        json = json.replace(sign, escaped)
    return json
