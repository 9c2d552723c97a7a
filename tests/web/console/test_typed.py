"""Filters in free text."""

from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deedbook.web.console.typed import TYPED, untyped


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("q=user:ann+state:failed", {"user": ["ann"], "state": ["Failed"]}),
        ("q=web+user:ann+deploy", {"q": ["web deploy"], "user": ["ann"]}),
        ('q=operation:"Stack+Update"', {"action": ["Stack Update"]}),
        ("q=USER:Ann&user=bob", {"user": ["bob", "Ann"]}),
        ("q=user:ann&user=ann", {"user": ["ann"]}),
        ("q=state:cancel", {"state": ["Canceling", "Canceled"]}),
        ("q=state:in", {"state": ["In progress"]}),
        ("q=method:delete+address:2001:db8::9", {"method": ["DELETE"], "ip": ["2001:db8::9"]}),
        ("q=by:system&is_user_action=true", {"is_user_action": ["false"]}),
        ("q=object:/a/+object:/b/", {"object": ["/b/"]}),
        ("q=id:0a0a&limit=5", {"uuid__startswith": ["0a0a"], "limit": ["5"]}),
    ],
)
def test_what_is_typed_as_a_filter_is_one(asked: str, meant: dict[str, list[str]]) -> None:
    """It joins those that are there; where a filter has one value, what is typed last counts; the rest stays text."""
    found = untyped(parse_qs(asked))
    assert {name: sorted(values) for name, values in found.items()} == {
        name: sorted(values) for name, values in meant.items()
    }


@pytest.mark.parametrize(
    "text", ["2001:db8::9", "http://x/", "state:gone", "user:", 'user:"', "by:nobody", "id:xyz", "a:b", "superuser:x"]
)
def test_what_is_no_filter_stays_text(text: str) -> None:
    """Addresses, URIs, names that are none, and filters that have no such value are looked for as they are."""
    assert untyped({"q": [text]}) == {"q": [text]}


@given(st.text())
def test_text_without_the_name_of_a_filter_is_never_touched(text: str) -> None:
    """Whatever it holds, it is what was typed."""
    if not any(f"{name}:" in text.lower() for name in TYPED):
        assert untyped({"q": [text]}) == {"q": [text]}


@given(st.dictionaries(st.sampled_from(["user", "object", "agent"]), st.from_regex(r"[^\s\"]+", fullmatch=True)))
def test_every_value_without_a_space_can_be_typed(values: dict[str, str]) -> None:
    """The value of the filter is what was typed behind the colon, sign by sign."""
    typed = " ".join(f"{name}:{value}" for name, value in values.items())
    names = {"user": "user", "object": "object", "agent": "user_agent"}
    assert untyped({"q": [typed]} if typed else {}) == {names[name]: [value] for name, value in values.items()}
