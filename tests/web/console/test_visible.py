"""Text of others as it can be read."""

import re
import unicodedata
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deedbook.web.console.visible import name_of, output, visible

#: Texts with much of what a screen would obey or hide.
TEXTS = st.text(
    st.characters(exclude_categories=["Cs"]) | st.sampled_from("\x1b[31m\x00\x7f\x9b\u202e\u2066\u200b\ufeff<&\"'")
)

_TAGS = re.compile(r'<span class="sign">|</span>')


@given(text=TEXTS)
def test_all_of_a_text_is_there(text: str) -> None:
    """Without the marks, what stands there is the text, each sign that can't be seen replaced by its name."""
    read = unescape(_TAGS.sub("", str(visible(text))))
    named = {sign for sign in text if visible(sign).startswith("<span")}
    assert read == "".join(name_of(sign) if sign in named else sign for sign in text)


@given(text=TEXTS)
def test_nothing_of_it_is_obeyed_or_hidden(text: str) -> None:
    """No control character but tab and line feed, nothing that turns the direction, and no mark-up of its own."""
    html = str(visible(text))
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]", html)
    assert "<" not in _TAGS.sub("", html)


@given(
    text=st.text(
        st.characters(categories=["L", "N", "P", "S", "Zs", "M"], exclude_characters="\u115f\u1160\u3164\uffa0")
    )
)
def test_what_can_be_seen_is_left_as_it_is(text: str) -> None:
    """Letters, numbers and signs of every script stand as they are, but escaped."""
    assert unescape(str(visible(text))) == text


@pytest.mark.parametrize(
    ("sign", "name"), [("\x1b", "ESC"), ("\0", "NUL"), ("\x7f", "DEL"), ("\x9b", "U+009B"), ("\u202e", "U+202E")]
)
def test_each_sign_has_its_name(sign: str, name: str) -> None:
    """As ASCII calls it, else as Unicode numbers it."""
    assert visible(f"a{sign}b") == f'a<span class="sign">{name}</span>b'
    assert unicodedata.category(sign) in ("Cc", "Cf")


def test_colours_are_left_out_of_output_and_nothing_else() -> None:
    """What sets colours goes; every other escape sequence is shown."""
    assert output("\x1b[1;31mred\x1b[0m \x1b[38:2::1:2:3m\x1b[2J") == 'red <span class="sign">ESC</span>[2J'
