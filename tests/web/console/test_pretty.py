"""JSON laid out to be read."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deedbook.web.console.pretty import pretty

#: Documents of every form that JSON has.
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
).filter(lambda document: isinstance(document, list | dict))


@given(document=DOCUMENTS, indent=st.none() | st.integers(0, 3), ascii_only=st.booleans())
def test_it_is_laid_out_as_json_is(document: object, indent: int | None, ascii_only: bool) -> None:  # noqa: FBT001  # drawn
    """However it was sent: one member a line, two spaces for each level."""
    sent = json.dumps(document, indent=indent, ensure_ascii=ascii_only)
    assert pretty(sent) == json.dumps(document, indent=2, ensure_ascii=ascii_only)


@pytest.mark.parametrize(
    "sent",
    [
        '{"n":1.10,"big":123456789012345678901234567890,"e":1E400}',
        '{"a":1,"a":2}',
        '["\\u0041\\/", " {}[],: "]',
        "[1,[],{},[[]]]",
    ],
)
def test_nothing_of_it_is_changed(sent: str) -> None:
    """Numbers, doubled names, escapes: each mark stands as it was sent, in its order."""
    laid_out = pretty(sent)
    assert laid_out is not None
    marks = r'"(?:[^"\\]|\\.)*"|[^\s]'
    assert re.findall(marks, laid_out) == re.findall(marks, sent)


@pytest.mark.parametrize(
    "sent", ["", "{", "12", '"text"', "null", "{'a': 1}", "[1,]", "a: b", "[" * 60 + "]" * 60, "[" * 100_000]
)
def test_what_is_no_document_is_left_as_it_is(sent: str) -> None:
    """Text, a lone value, what is broken, and what is nested so deep that its lines would be mostly spaces."""
    assert pretty(sent) is None
