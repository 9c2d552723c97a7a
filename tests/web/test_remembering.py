"""What a query string comes to is made once, as long as that is little to keep."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deedbook.projections.action_query import ActionQuery
from deedbook.web.call import parameters_of
from deedbook.web.list_query import LOOK, page_asked, parse
from deedbook.web.problems import Problem
from deedbook.web.remembering import LONGEST, MOST, remembered


def test_a_short_string_is_made_once_for_each_of_what_else_is_asked() -> None:
    """A long one each time: clients can send any, and what they send is no reason to grow."""
    made: list[tuple[bytes, str | None]] = []

    @remembered
    def make(text: bytes, namespace: str | None) -> int:
        made.append((text, namespace))
        return len(made)

    short, long = b"x" * LONGEST, b"x" * (LONGEST + 1)
    assert [make(short, None), make(short, "acme"), make(short, None), make(short, "acme")] == [1, 2, 1, 2]
    assert [make(long, None), make(long, None)] == [3, 4]
    for number in range(MOST):
        make(b"%d" % number, None)
    before = len(made)
    make(short, None)
    assert len(made) == before + 1


def test_what_fails_is_told_each_time() -> None:
    """A refusal is made anew for whoever asks."""

    @remembered
    def refuse(text: bytes) -> int:
        raise Problem(400, text.decode())

    told = []
    for _ in range(2):
        with pytest.raises(Problem) as caught:
            refuse(b"no")
        told.append(caught.value)
    assert told[0] is not told[1]


@given(
    st.lists(
        st.sampled_from(["state=Failed", "state=Success", "user=%C3%A9+1", "limit=3", "q=a", "uuid=x"]), max_size=4
    ),
    st.booleans(),
)
def test_what_is_remembered_is_what_would_be_made(filters: list[str], newest_first: bool) -> None:  # noqa: FBT001  # made up
    """The question of a page, and the refusal of what is none."""
    text = "&".join(filters).encode()
    parameters = parameters_of(text)
    made = _outcome(lambda: parse(parameters, "acme", newest_first=newest_first, look=LOOK))
    assert [_outcome(lambda: page_asked(text, "acme", None, newest_first)) for _ in range(2)] == [made, made]


def _outcome(ask: Callable[[], ActionQuery]) -> ActionQuery | str:
    try:
        return ask()
    except Problem as problem:
        return str(problem)
