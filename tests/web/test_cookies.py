"""Cookies: ours is found among those of everybody else on the host, whatever these are."""

from hypothesis import example, given
from hypothesis import strategies as st

from deedbook.web.cookies import cookie_of

#: What another program may have left in the browser: anything but what ends a cookie, or is called as ours is.
OTHERS = st.lists(
    st.text(st.characters(codec="latin-1", exclude_characters=";")).filter(
        lambda cookie: cookie.partition("=")[0].strip() != "deedbook"
    )
)


@given(before=OTHERS, after=OTHERS, value=st.text("abcXYZ019-_."))
@example(before=['x={"a":1}'], after=[], value="v")
@example(before=["na[me]=1", "flag", "x=a b", "x=é", "secure", "path=/"], after=["", '"', 'x="'], value="v")
def test_ours_is_found_whatever_stands_around_it(before: list[str], after: list[str], value: str) -> None:
    """No cookie of another name hides ours or changes it, before it or behind it."""
    header = "; ".join([*before, f"deedbook={value}", *after]).encode("latin-1")
    assert cookie_of({"headers": [(b"host", b"localhost"), (b"cookie", header)]}, "deedbook") == value


@given(others=OTHERS)
def test_none_is_found_where_there_is_none_of_the_name(others: list[str]) -> None:
    """Nor in what only looks like it."""
    header = "; ".join(others).encode("latin-1")
    assert cookie_of({"headers": [(b"cookie", header)]}, "deedbook") is None
