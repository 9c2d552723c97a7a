"""Completing filters while they are typed."""

import html
import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from deedbook.web.console.completing import unfinished, with_names, with_values
from deedbook.web.console.typed import TYPED, untyped
from tests.support.server import Server
from tests.web.console.visitors import Visitor

_NAMES = {"user": "user", "operation": "action", "object": "object", "agent": "user_agent", "address": "ip"}


@given(
    st.sampled_from(sorted(_NAMES)),
    st.text(st.characters(exclude_categories=("Z", "C"), exclude_characters='"')),
    st.from_regex(r"([a-z]+ )*", fullmatch=True),
    st.text(),
)
def test_what_is_completed_is_the_filter_of_that_value(name: str, part: str, before: str, value: str) -> None:
    """Whatever value is offered, chosen it is what the search asks for, beside the words that stood before."""
    one = unfinished(f"{before}{name}:{part}")
    assert one == (before, name, part)
    for offered in with_values(one, [value]):
        meant = untyped({"q": [offered.text]})
        assert meant[_NAMES[name]] == [value]
        assert meant.get("q", [""])[0].split() == before.split()


@given(st.from_regex(r"([a-z]+ )*", fullmatch=True), st.from_regex("[a-z]{2,9}", fullmatch=True))
def test_a_name_is_offered_while_it_is_begun(before: str, word: str) -> None:
    """Each filter that begins so, and no other; the value is typed next."""
    assume(not before.endswith(":"))
    offered = with_names(before + word)
    assert [one.name for one in offered] == [name for name in TYPED if name.startswith(word)]
    for one in offered:
        assert one.text == f"{before}{one.name}:"
        assert unfinished(one.text) == (before, one.name, "")


@pytest.mark.parametrize("text", ["", "deploy", "user:ann ", "superuser:x", 'operation:"Stack Update" ', "a:b", "u"])
def test_what_is_finished_is_left_alone(text: str) -> None:
    """Words, filters that are complete, and names of none."""
    assert unfinished(text) is None
    assert with_names(text) == []


def _offered(visitor: Visitor, text: str) -> list[str]:
    answer = visitor.ask("GET", "/actions/completions", {"HX-Request": "true"}, params={"text": text})
    assert answer.status_code == 200
    return [html.unescape(found) for found in re.findall(r'data-text="([^"]*)"', answer.text)]


def test_values_are_those_that_were_recorded(server: Server, admin: Visitor, auditor: Visitor) -> None:
    """What begins so first, then what holds it, the commonest before others, none of another namespace."""
    with server.client() as client:
        for namespace, user in (
            ("acme", "björn b"),
            ("acme", "björn"),
            ("acme", "björn"),
            ("other", "björk"),
            ("acme", "abjö"),
        ):
            call = {"action": "Run", "method": "POST", "path": "/", "state": "Success", "user": user}
            assert client.post(f"/{namespace}/action/", json=call).status_code == 201
    assert _offered(admin, "run user:BJÖ") == [
        "run user:björn ",
        "run user:björk ",
        'run user:"björn b" ',
        "run user:abjö ",
    ]
    assert _offered(auditor, "user:bjö") == ["user:björn ", 'user:"björn b" ', "user:abjö "]
    assert _offered(auditor, "state:can") == ["state:Canceling ", "state:Canceled "]
    assert _offered(auditor, 'state:"in') == ['state:"In progress" ']
    assert _offered(auditor, "by:") == ["by:people ", "by:system "]
    assert _offered(auditor, "id:0") == []
    assert _offered(auditor, "us") == ["user:"]
