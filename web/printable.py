"""Text of others, for a terminal."""


def printable(text: str) -> str:
    """Return a text on one line: for each sign that a terminal would obey or hide, or can't take, stands its escape."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)
