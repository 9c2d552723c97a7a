"""Strings that a page must show as what they are: text."""

from collections.abc import Mapping

from tests.web.api.callers import Caller, Json

HOSTILE: Mapping[str, str] = {
    "script": "\"'></title></textarea></script><script>window.pwned = 1</script>"
    "<img src=x onerror='window.pwned = 1' data-hostile>"
    "<a href='javascript:window.pwned = 1' data-hostile>{{ 7 * 7 }}${7 * 7}</a>",
    "terminal": "\x1b[31;1mred\x1b[2J\x1b]0;title\x07\x1b]52;c;ZXZpbA==\x07\x1b]8;;http://evil.example\x07"
    "\x9b31m\x7f\b\r\n\t",
    "direction": "\u202egnp.exe\u2066\u2067\u202b\u200f\u061c שלום \ufeff\u200b\u2028",
    "long": "W" * 64 * 1024,
    "surrogate": "🏴‍☠️👩‍👩‍👧‍👦" + "é" * 40 + "e\u0301\u0302\u0303" * 30,
}  # fmt: skip

#: How long a field may be, where it is bounded.
_MOST = {"action": 1024, "object": 2048, "path": 16384, "parents": 2048, "reason": 4096}


def record(worker: Caller, text: str) -> Json:
    """Record an action that has a text in every field that takes any, with output and an end that tell it too."""

    def cut(field: str) -> str:
        return text[: _MOST[field]]

    action = worker.record(
        action=cut("action"),
        path=cut("path"),
        object=cut("object"),
        parents=[f"{cut('parents')[:2000]}/parent"],
        body=text,
        user=text,
        user_agent=text[:20_000],
        location=text[:20_000],
        state="In progress",
    )
    worker.act(action, "logs", {"lines": [line for line in text.splitlines() if line] or [text]})
    return worker.act(action, "finish", {"state": "Failed", "reason": cut("reason")})
