"""The ids of what is imported."""

from uuid import RFC_4122, UUID

from hypothesis import given
from hypothesis import strategies as st

from deedbook.web.importing.ids import action_id, derived_id

_UUIDS = st.uuids() | st.uuids(version=4)

#: UUIDs in every way in which they are written, and what is nearly one.
TEXTS = st.one_of(
    _UUIDS.map(str),
    _UUIDS.map(lambda one: one.hex),
    _UUIDS.map(lambda one: str(one).upper()),
    _UUIDS.map(lambda one: one.urn),
    _UUIDS.map(lambda one: f"{{{one}}}"),
    st.builds(
        lambda one, at, piece: str(one)[:at] + piece + str(one)[at + 1 :],
        _UUIDS,
        st.integers(0, 35),
        st.text(max_size=2),
    ),
    st.text(),
)


@given(TEXTS)
def test_a_version_4_uuid_is_itself_and_all_else_is_derived(text: str) -> None:
    """However it is written: by the rules of the standard library."""
    try:
        given = UUID(text)
    except ValueError:
        expected = None
    else:
        expected = given if (given.version, given.variant) == (4, RFC_4122) else None
    assert action_id(text) == (expected or derived_id(text.encode()))
