"""Whatever is sent: never a 500, never a traceback (the server's fixture looks for one), and the server goes on."""

import json
from urllib.parse import quote, quote_from_bytes

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.server import Server
from tests.web.api.callers import CALL, Caller, Json, Tenant
from tests.web.api.raw import sent

#: With lone surrogates, which JSON can write and UTF-8 can't.
TEXT = st.text(st.characters(exclude_categories=()), max_size=20)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | TEXT
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4))

FIELDS = (
    "action", "method", "path", "state", "object", "parents", "body", "user", "user_agent", "ip", "location",
    "is_user_action", "start_date", "end_date", "can_be_canceled", "can_be_retried", "idempotency_key",
    "lines", "log", "timestamp", "reason", "parent", "child", "namespace", "role",
)  # fmt: skip
FILTERS = (
    "uuid", "uuid__startswith", "state", "start_date__gte", "start_date__lte", "end_date__gte", "end_date__lte",
    "object", "include_related", "user", "action", "method", "ip", "user_agent", "is_user_action",
    "limit", "offset", "order_by", "q", "cursor",
    "form", "parent", "child", "tail", "follow", "after", "type",
)  # fmt: skip

EXAMPLES = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def anybody(server: Server, http: httpx.Client) -> Caller:
    """Whoever sends it: an admin, in the tests' own namespace."""
    tenant = Tenant(http, server.key)
    tenant.admin.root = f"/{tenant.namespace}"
    return tenant.admin


@pytest.fixture(scope="module")
def running(anybody: Caller) -> str:
    """The path of an action that may run or not, as it comes."""
    return f"/action/{anybody.record(state='In progress')['uuid']}"


def paths(running: str) -> list[str]:
    """Return every path that takes a body."""
    return [
        "/action/",
        "/relationship/",
        "/key/",
        *(f"{running}/{end}/" for end in ("cancel", "retry", "finish", "logs")),
    ]


KINDS = st.sampled_from(["application/json", "application/x-ndjson"])


@given(body=st.binary(max_size=200), kind=KINDS)
@EXAMPLES
def test_any_bytes_as_body(anybody: Caller, running: str, body: bytes, kind: str) -> None:
    """Each path answers with a status that is described."""
    for path in paths(running):
        anybody.post(path, content=body, headers={"content-type": kind})


@given(body=JSON, kind=KINDS)
@EXAMPLES
def test_any_json_as_body(anybody: Caller, running: str, body: object, kind: str) -> None:
    """Also what Python calls JSON and nobody else: NaN."""
    for path in paths(running):
        anybody.post(path, content=json.dumps(body), headers={"content-type": kind})


@given(body=st.dictionaries(st.sampled_from(FIELDS), JSON | st.sampled_from(["Success", "2014-09-17", "/o"])))
@EXAMPLES
def test_any_values_in_known_fields(anybody: Caller, running: str, body: Json) -> None:
    """Of all bodies there are, and among what makes an action."""
    for path in paths(running):
        anybody.post(path, content=json.dumps(body))
    anybody.post("/action/", content=json.dumps({**CALL, **body}))


@given(
    fields=st.fixed_dictionaries(
        {"action": st.text(min_size=1, max_size=20), "path": st.text(min_size=1, max_size=20)},
        optional={name: st.text(max_size=20) | st.none() for name in ("body", "user", "user_agent", "location")}
        | {"object": st.text(max_size=20)},
    )
)
@EXAMPLES
def test_any_text_comes_back_as_it_was(anybody: Caller, fields: Json) -> None:
    """Out of the detail, and out of a filter by it."""
    made = anybody.record(**fields)
    assert {name: made[name] for name in fields} == fields
    assert anybody.fetch(made) == made
    for name in ("action", "user", "object"):
        if made[name]:
            assert anybody.page({name: made[name], "uuid": made["uuid"]})["objects"] == [made]


@given(query=st.binary(max_size=60).map(quote_from_bytes) | st.text("=&+%;[]*'\"0aZ.-_~", max_size=60))
@EXAMPLES
def test_any_query(anybody: Caller, running: str, query: str) -> None:
    """On every path that has one."""
    for path in ("/action/", "/relationship/", "/events/", f"{running}/logs/"):
        anybody.get(f"{path}?{query}")
    anybody.delete(f"/relationship/?{query}")


@given(st.lists(st.tuples(st.sampled_from(FILTERS), st.text(max_size=30) | st.integers().map(str)), max_size=3))
@EXAMPLES
def test_any_values_of_known_filters(anybody: Caller, filters: list[tuple[str, str]]) -> None:
    """Alone and together."""
    query = "&".join(f"{name}={quote(value)}" for name, value in filters)
    anybody.get(f"/action/?{query}")
    anybody.get(f"/relationship/?object=/o&{query}")


@given(
    path=st.lists(
        st.binary(max_size=12).map(quote_from_bytes) | st.sampled_from(["action", "key", "..", ""]), max_size=4
    ),
    method=st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"]),
)
@EXAMPLES
def test_any_path(anybody: Caller, method: str, path: list[str]) -> None:
    """Below the root."""
    anybody.ask(method, "/" + "/".join(path))


@given(
    name=st.sampled_from(
        [
            "authorization",
            "content-type",
            "idempotency-key",
            "x-forwarded-for",
            "user-agent",
            "upgrade",
            "expect",
            "origin",
        ]
    ),
    value=st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=40),
)
@EXAMPLES
def test_any_header(server: Server, anybody: Caller, name: str, value: str) -> None:
    """Its value in Latin-1, as it comes over the wire."""
    pair = f"ApiKey {anybody.user}:{anybody.key}"
    headers = {"authorization": pair, name: value.strip()}
    lines = "".join(f"{key}: {text}\r\n" for key, text in headers.items())
    body = json.dumps(CALL)
    for line, content in (("GET", ""), ("POST", body)):
        head = f"{line} /api/audit/v1/action/ HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{lines}"
        asked = f"{head}content-length: {len(content)}\r\n\r\n{content}"
        answer = sent(server, asked.encode("latin-1"))
        assert answer.startswith((b"HTTP/1.1 2", b"HTTP/1.1 4", b"HTTP/1.1 1")), answer


# Fewer: each makes the server print a line, and nobody reads what it prints until it ends.
@given(data=st.binary(max_size=100))
@settings(EXAMPLES, max_examples=30)
def test_any_bytes_at_all(server: Server, anybody: Caller, data: bytes) -> None:
    """As they come from who speaks another protocol; the next one is answered."""
    for before in (
        b"",
        b"GET /api/audit/v1/action/ HTTP/1.1\r\n",
        b"POST /api/audit/v1/action/ HTTP/1.1\r\nhost: a\r\n\r\n",
    ):
        answer = sent(server, before + data, goes=True)
        assert b"HTTP/1.1 5" not in answer
    assert anybody.get("/action/?limit=1").status_code == 200
