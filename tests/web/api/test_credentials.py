"""API keys, in every form in which published clients send them; and what is none."""

from base64 import b64encode

import httpx
import pytest

from tests.support.server import Server
from tests.web.api.callers import CALL, Caller, Json, Tenant
from tests.web.api.conformance import asking


def basic(text: str) -> str:
    """Return Basic credentials."""
    return f"Basic {b64encode(text.encode()).decode()}"


def ask(http: httpx.Client, authorization: str | None, path: str = "/action/") -> httpx.Response:
    """Ask with an Authorization header, or without one."""
    return http.get(path, headers={} if authorization is None else {"authorization": authorization})


@pytest.mark.parametrize(
    "form",
    ["Basic", "basic", "ApiKey {user}:{key}", "apikey {user}:{key}", "Bearer {key}", "bearer {key}", "BEARER  {key} "],
)
def test_a_key_is_taken_in_each_form(server: Server, recorder: Caller, form: str) -> None:
    """Basic with user and key, the older ApiKey, and Bearer with the key alone; the scheme in any case."""
    pair = f"{recorder.user}:{recorder.key}"
    header = form.format(user=recorder.user, key=recorder.key).strip()
    if form.lower() == "basic":
        header = basic(pair).replace("Basic", form)
    with httpx.Client(base_url=server.api) as client:
        assert ask(client, header).status_code == 200
        answer = client.post("/action/", json=CALL, headers={"authorization": header})
        assert answer.json()["user"] == recorder.user


def test_a_user_may_have_any_letters(tenant: Tenant) -> None:
    """Basic credentials are UTF-8."""
    caller = tenant.issue("jürgen 世界@example.com", "recorder")
    answer = ask(tenant.http, basic(f"jürgen 世界@example.com:{caller.key}"))
    assert answer.status_code == 200


_WRONG: dict[str, str | None] = {
    "none": None,
    "an empty one": "",
    "a scheme alone": "Basic",
    "no base64": "Basic ***",
    "no UTF-8": f"Basic {b64encode(bytes([255, 254, 58])).decode()}",
    "no colon": basic("no colon"),
    "nothing on either side": basic(":"),
    "an unknown key": basic("rita:nonsense"),
    "an unknown bearer": "Bearer nonsense",
    "an unknown scheme": "Digest username=x",
    "ApiKey without user": "ApiKey nonsense",
}


@pytest.mark.parametrize("authorization", _WRONG.values(), ids=_WRONG.keys())
def test_what_is_no_key_is_a_401(server: Server, authorization: str | None) -> None:
    """It says how to send one."""
    # From another address: too many wrong ones from the same are a 429.
    with asking(server, "127.0.0.2") as client:
        answer = ask(client, authorization)
    assert (answer.status_code, "Basic" in answer.headers["www-authenticate"]) == (401, True)


def test_a_key_goes_with_its_user(server: Server, recorder: Caller) -> None:
    """Another user's name with it is a 401."""
    with asking(server, "127.0.0.2") as client:
        for form in (basic(f"eve:{recorder.key}"), f"ApiKey eve:{recorder.key}", basic(f":{recorder.key}")):
            assert ask(client, form).status_code == 401


def test_every_path_needs_a_key(server: Server) -> None:
    """But for /health and the description."""
    with asking(server, "127.0.0.3") as client:
        uuid = "00000000-0000-4000-8000-000000000000"
        paths = ["/action/", f"/action/{uuid}/", f"/action/{uuid}/logs/", "/events/", "/relationship/", "/key/"]
        assert {client.get(path).status_code for path in paths} == {401}
        for path in ("/action/", f"/action/{uuid}/cancel/", f"/action/{uuid}/retry/", "/relationship/", "/key/"):
            assert client.post(path, json=CALL).status_code == 401
        assert client.delete(f"/key/{uuid}/").status_code == 401
        assert {client.get(f"{server.address}/{name}").status_code for name in ("health", "openapi.json")} == {200}


def test_a_token_in_the_query_is_for_websockets_only(server: Server, recorder: Caller) -> None:
    """Queries end in access logs."""
    with asking(server, "127.0.0.2") as client:
        query = f"?user={recorder.user}&token={recorder.key}"
        assert {client.get(f"{path}{query}").status_code for path in ("/action/", "/events/")} == {401}


def test_a_revoked_key_is_a_401(server: Server, tenant: Tenant) -> None:
    """At once, in every form, and for ever."""
    issued = tenant.issued("eve", "recorder")
    caller = Caller(tenant.http, "eve", issued["key"])
    assert caller.get("/action/").status_code == 200
    assert tenant.admin.delete(f"/key/{issued['id']}/").status_code == 200
    with asking(server, "127.0.0.4") as client:
        for form in (basic(f"eve:{caller.key}"), f"ApiKey eve:{caller.key}", f"Bearer {caller.key}"):
            assert ask(client, form).status_code == 401


def test_too_many_wrong_keys_are_a_429(server: Server, recorder: Caller) -> None:
    """From one address within a minute; right ones from there are answered still, and so are all from elsewhere."""
    with asking(server, "127.0.0.5") as client:
        answers = [ask(client, f"Bearer wrong{n}") for n in range(40)]
        statuses = [answer.status_code for answer in answers]
        assert statuses == sorted(statuses)
        assert set(statuses) == {401, 429}
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 61
        assert ask(client, f"Bearer {recorder.key}").status_code == 200
    with asking(server, "127.0.0.6") as client:
        assert ask(client, "Bearer wrong").status_code == 401


def test_the_secret_is_nowhere_in_answers(tenant: Tenant) -> None:
    """Neither in what tells of a key, nor in what is recorded of it."""
    issued: Json = tenant.issued("eve", "auditor")
    told = tenant.admin.get("/key/").text + tenant.admin.get("/deedbook/action/?limit=500&order_by=-start_date").text
    assert (issued["id"] in told, issued["key"] in told) == (True, False)
