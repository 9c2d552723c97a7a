"""What a query string comes to is made once, as long as that is little to keep."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deedbook.web.call import parameters_of
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


@given(st.text("ab=&%+;20é", max_size=20))
def test_what_is_remembered_is_what_would_be_made(text: str) -> None:
    """And nobody who gets it can change it for others."""
    query = text.encode()
    first, again = parameters_of(query), parameters_of(query)
    assert dict(first) == dict(again) == dict(parameters_of.__wrapped__(query))  # type: ignore[attr-defined]
    with pytest.raises(TypeError):
        first["more"] = []  # type: ignore[index]
