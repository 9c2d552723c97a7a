"""Every error is one sentence in ASCII, in JSON, that can be shown as it is."""

import pytest

from tests.web.api.callers import CALL, Caller


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
