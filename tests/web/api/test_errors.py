"""Every error is one sentence in ASCII, in JSON, that can be shown as it is."""

import inspect

import msgspec
import pytest

from deedbook.web import wire
from tests.web.api.callers import CALL, Caller, Json, Tenant


@pytest.mark.parametrize(
    ("path", "status"),
    [("/action/?größe=1", 400), ("/action/?state=läuft", 400), ("/action/ünknown/", 404), ("/wörld/action/", 404)],
)
def test_what_is_no_ascii_is_escaped(recorder: Caller, path: str, status: int) -> None:
    """Some clients print errors to terminals that know nothing else."""
    answer = recorder.get(path)
    assert (answer.status_code, answer.json()["error"].isascii()) == (status, True)
    assert "\\x" in answer.json()["error"]


def test_what_can_t_be_printed_is_escaped(recorder: Caller) -> None:
    """A line break would make it two lines, an escape would reach the reader's terminal."""
    for character in ("%0A", "%0D", "%00", "%1B", "%7F"):
        for path in (f"/action/?a{character}b=1", f"/action/?state={character}", f"/action/{character}x/"):
            sentence = recorder.get(path).json()["error"]
            assert sentence.isprintable(), ascii(sentence)


def test_so_is_what_a_body_held(recorder: Caller) -> None:
    """Names and values that are quoted in a sentence."""
    for fields in ({"a\nb": 1}, {"ip": "1\n2"}, {"start_date": "\x1b[2J"}, {"state": "\r"}):
        answer = recorder.post("/action/", {**CALL, **fields})
        assert (answer.status_code, answer.json()["error"].isprintable()) == (400, True), answer.text


@pytest.mark.parametrize(
    ("path", "body", "wrong", "words"),
    [
        ("/action/", CALL, {"method": "G T"}, "a method of HTTP, such as POST: 1 to 32 letters, digits or any of !#$%"),
        ("/search/", {"query": ""}, {"name": " a"}, "a name of one line, with a space neither before nor behind it"),
        ("/key/", {"namespace": "acme", "role": "admin"}, {"user": "a:b"}, "a user without a colon"),
        ("/key/", {"user": "ann", "role": "admin"}, {"namespace": "a b"}, "a namespace: 1 to 63 letters, digits, dots"),
    ],
)
def test_a_pattern_is_told_in_words(tenant: Tenant, path: str, body: Json, wrong: Json, words: str) -> None:
    """Nobody reads regular expressions to learn what is wrong with a name."""
    answer = tenant.admin.post(path, {**body, **wrong})
    sentence = answer.json()["error"]
    assert (answer.status_code, "regex" in sentence) == (400, False)
    assert sentence.startswith(f"The body does not fit: expected {words}")
    assert sentence.endswith(f" - at `$.{next(iter(wrong))}`.")


def test_every_pattern_has_words() -> None:
    """Of whatever a body may hold."""
    bodies = [kind for _, kind in inspect.getmembers(wire, inspect.isclass) if issubclass(kind, msgspec.Struct)]
    components = msgspec.json.schema_components(bodies)[1]
    members = [member for body in components.values() for member in body.get("properties", {}).values()]
    assert {member["pattern"] for member in members if "pattern" in member} == set(wire.IN_WORDS)
