"""What a browser remembers of its reader's taste."""

from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Scope

from deedbook.web.console.preferences import COLUMNS, USUAL, columns_cookie, columns_of

_NAMES = st.sets(st.sampled_from(sorted(COLUMNS)) | st.text(max_size=20))


def _asked(cookie: str) -> Scope:
    """Return the request of a browser that was told to keep a cookie, or to forget it."""
    name_value, *attributes = cookie.split("; ")
    return {"headers": [] if "Max-Age=0" in attributes else [(b"cookie", name_value.encode())]}


@given(_NAMES)
def test_columns_that_are_chosen_come_back(names: set[str]) -> None:
    """Those that there are, none among them too; whatever else was sent is left out, and breaks no header."""
    cookie = columns_cookie(names, is_secure=True)
    assert cookie.isascii()
    assert cookie.isprintable()
    assert columns_of(_asked(cookie)) == names & COLUMNS.keys()


@given(st.text(st.characters(codec="latin-1")))
def test_whatever_a_browser_sends_is_a_choice(value: str) -> None:
    """A cookie that somebody else wrote gives columns that there are; none gives the usual ones."""
    assert columns_of({"headers": [(b"cookie", f"deedbook_columns={value}".encode("latin-1"))]}) <= COLUMNS.keys()
    assert columns_of({"headers": []}) == USUAL
