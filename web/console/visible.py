"""Text of others as it can be read: what a screen would obey or hide is shown by its name instead."""

import re

from markupsafe import Markup, escape

from deedbook.web.sought import SGR

#: Control characters but tab and line feed, and those that turn the direction of text, or that nobody sees. The joiners
#: of words and emoji are left. `static/ansi.js` has the same.
_SIGNS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164"
    "\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e007f]"
)

#: How ASCII calls its controls (ISO 646): few fonts have the pictures of them.
_CONTROLS = (
    "NUL", "SOH", "STX", "ETX", "EOT", "ENQ", "ACK", "BEL", "BS", "HT", "LF", "VT", "FF", "CR", "SO", "SI",
    "DLE", "DC1", "DC2", "DC3", "DC4", "NAK", "SYN", "ETB", "CAN", "EM", "SUB", "ESC", "FS", "GS", "RS", "US",
)  # fmt: skip

_DELETE = 0x7F


def visible(text: str) -> Markup:
    """Return a text as HTML: escaped, and with each sign that can't be seen marked as one and named."""
    parts: list[Markup] = []
    end = 0
    for found in _SIGNS.finditer(text):
        parts += [escape(text[end : found.start()]), Markup('<span class="sign">{}</span>').format(name_of(found[0]))]
        end = found.end()
    return Markup("").join([*parts, escape(text[end:])])


def named(text: str) -> str:
    """Return a text with the name of each sign that can't be seen in its place, where no mark of HTML can be."""
    return _SIGNS.sub(lambda found: f"⟨{name_of(found[0])}⟩", text)


def output(text: str) -> Markup:
    """Return a line of output as HTML, as `visible`, without what colours it: scripts show colours, this does not."""
    return visible(SGR.sub("", text))


def name_of(sign: str) -> str:
    """Return what stands for a sign: `ESC` for escape, `U+202E` for what turns the direction."""
    code = ord(sign)
    if code < len(_CONTROLS):
        return _CONTROLS[code]
    return "DEL" if code == _DELETE else f"U+{code:04X}"
