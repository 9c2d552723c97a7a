"""Sessions: how they begin and end, and what they are good for."""

import time
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import TimestampSigner, URLSafeTimedSerializer

from deedbook.web.console.templating import own_path, see_other
from deedbook.web.sessions import LASTS
from tests.faults.ledger import wait_for
from tests.support.server import Server, issue_key, serving
from tests.support.websocket import following, refusal
from tests.web.console.visitors import Visitor


def test_cookie_of_a_session_is_kept_from_scripts_and_other_sites(server: Server) -> None:
    """It is HttpOnly, SameSite, of every path and ends; Secure is for a server that is reached by HTTPS."""
    cookie = Visitor(server).signed_in.headers["set-cookie"]
    assert set(cookie.split("; ")[1:]) == {"Path=/", f"Max-Age={LASTS}", "HttpOnly", "SameSite=Lax"}


def test_only_a_trusted_proxy_makes_a_cookie_secure(server: Server, tmp_path: Path) -> None:
    """X-Forwarded-Proto counts where there are proxies that are trusted; none are by default."""

    def cookie(server: Server, **headers: str) -> str:
        form = {"user": "me", "key": server.key}
        return str(httpx.post(f"{server.address}/sign-in", data=form, headers=headers).headers["set-cookie"])

    by_https = {"X-Forwarded-Proto": "https"}
    assert "Secure" not in cookie(server, **by_https)
    with serving(tmp_path, DEEDBOOK_TRUSTED_PROXIES="127.0.0.0/8") as behind:
        assert "Secure" in cookie(behind, **by_https)
        assert "Secure" not in cookie(behind)


def test_wrong_key_opens_no_session(server: Server) -> None:
    """A wrong key, or another user's, is a 403 that sets no cookie, and says so in one sentence."""
    for user, key in (("me", "wrong"), ("you", server.key), ("", "")):
        answer = httpx.post(f"{server.address}/sign-in", data={"user": user, "key": key})
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers
        assert "are not known, or the key was revoked." in answer.text


def test_sign_in_from_another_site_is_refused(server: Server) -> None:
    """A form that another site sends can't sign its reader in as somebody else, whichever header gives it away."""
    form = {"user": "me", "key": server.key}
    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
    ):
        answer = httpx.post(f"{server.address}/sign-in", data=form, headers=headers)
        assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)


def test_who_signs_out_has_to_sign_in_again(admin: Visitor) -> None:
    """The browser forgets the session, and pages lead to the sign-in."""
    assert admin.get("/system").status_code == 200
    answer = admin.send("/sign-out")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert admin.get("/system").headers["location"] == "/sign-in?next=%2Fsystem"


def test_session_ends_with_its_key(server: Server) -> None:
    """Once its key is revoked, a session opens nothing any more."""
    visitor = Visitor(server, "bert", issue_key(server.url, "bert", role="auditor"))
    assert visitor.get("/system").status_code == 200
    with server.client() as client:
        (key,) = [one for one in client.get("/key/").json()["objects"] if one["user"] == "bert"]
        assert client.delete(f"/key/{key['id']}/").status_code == 200
    wait_for(lambda: visitor.get("/system").status_code == 303, "the end of the session")
    assert visitor.get("/api/audit/v1/action/").status_code == 401


@pytest.mark.parametrize(
    "other", ['x={"a":1}', "flag", "x=a b", "x=é", "na[me]=1", "secure", "path=/", "path=/; x=é; flag; secure"]
)
def test_cookies_of_other_programs_end_no_session(server: Server, admin: Visitor, other: str) -> None:
    """A browser sends the cookies of every port of a host: none of another name gets in the way of ours."""
    for cookies in (f"{other}; {admin.cookie}", f"{admin.cookie}; {other}"):
        headers = {b"Cookie": cookies.encode()}
        assert httpx.get(f"{server.address}/system", headers=headers).status_code == 200


def test_session_is_of_use_to_pages_that_ask_the_api(auditor: Visitor) -> None:
    """GET of the API takes a session; what changes something does not, so that no other site can do it."""
    assert auditor.get("/api/audit/v1/action/").status_code == 200
    assert auditor.ask("POST", "/api/audit/v1/action/", json={}).status_code == 401
    assert auditor.ask("DELETE", "/api/audit/v1/relationship/?parent=a&child=b").status_code == 401


class Yesterday(TimestampSigner):
    """Signs as it would have been signed when a session of now has just ended."""

    def get_timestamp(self) -> int:
        """Return a time that is just too long ago."""
        return int(time.time()) - LASTS - 2


def _cookie(server: Server, signer: type[TimestampSigner] = TimestampSigner, salt: str = "deedbook session") -> str:
    """Return a session's cookie of the server's admin, signed in some way with the server's own secret."""
    folder = server.url.removeprefix("sqlite:///").rpartition("/")[0]
    with open(f"{folder}/session-secret") as file:  # noqa: PTH123  # a path as the URL has it
        secret = file.read().strip()
    with server.client() as client:
        key = client.get("/key/").json()["objects"][0]["id"].replace("-", "")
    return str(URLSafeTimedSerializer(secret, salt=salt, signer=signer).dumps([key, "token"]))


def _status(server: Server, cookie: str) -> int:
    return httpx.get(f"{server.address}/system", headers={"Cookie": f"deedbook={cookie}"}).status_code


def test_cookie_that_was_altered_or_is_old_opens_nothing(server: Server) -> None:
    """One made with the secret opens; the same too old, for another purpose, or with any sign changed does not."""
    right = _cookie(server)
    assert _status(server, right) == 200
    assert _status(server, _cookie(server, Yesterday)) == 303
    assert _status(server, _cookie(server, salt="another")) == 303
    for at in range(0, len(right) - 1, 7):  # of the last sign some bits say nothing
        assert _status(server, f"{right[:at]}{'A' if right[at] != 'A' else 'B'}{right[at + 1 :]}") == 303
    for wrong in ("", "x", right[:-5], '"', "\\", ".", "...."):
        assert _status(server, wrong) == 303


@pytest.mark.parametrize(
    "away",
    ["//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:alert(1)", "evil", "/a\nb", "/\x00"],
)
def test_next_never_leaves_the_site(server: Server, away: str) -> None:
    """Whatever a link to the sign-in says comes next, the reader stays here."""
    form = {"user": "me", "key": server.key}
    answer = httpx.post(f"{server.address}/sign-in?next={quote(away, safe='')}", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


@given(st.text())
def test_own_path_is_one_of_ours_and_makes_no_header(path: str) -> None:
    """What is gone on to begins with one slash, and no header begins within it."""
    location = see_other(own_path(path)).headers[b"location"]
    assert location.startswith(b"/")
    assert not location.startswith((b"//", b"/\\"))
    assert not any(sign in location for sign in b"\r\n\0")


def test_form_without_the_sessions_token_is_refused(admin: Visitor, auditor: Visitor) -> None:
    """No token, a wrong one, and another session's are each a 403; the form of the session itself does it."""
    for token in ({}, {"csrf": "wrong"}, {"csrf": auditor.token()}, {"csrf": "é"}):
        answer = admin.ask("POST", "/theme", data={"theme": "dark", **token})
        assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)
    assert admin.send("/theme", theme="dark").status_code == 303
    assert admin.ask("POST", "/theme", headers={"X-CSRF-Token": admin.token()}).status_code == 303


def test_websocket_of_another_site_gets_nothing_by_a_session(server: Server, admin: Visitor) -> None:
    """A browser sends cookies along whoever opens a WebSocket: so the Origin must be ours, and one must be told."""
    url = f"{server.stream}/events/"
    cookie = {"Cookie": admin.cookie}
    for foreign in (
        {"Origin": "https://evil.example"},
        {"Origin": f"http://127.0.0.1:{server.port + 1}"},
        {"Origin": "null"},
    ):
        assert refusal(url, cookie | foreign).status == 401
    assert refusal(url, cookie).status == 401
    with following(url, cookie | {"Origin": server.address}):
        pass


def test_websocket_of_our_own_page_is_known_behind_a_proxy(server: Server, admin: Visitor) -> None:
    """Where a proxy has changed Host, the browser's own word counts, which no page can change."""
    url = f"{server.stream}/events/"
    elsewhere = {"Cookie": admin.cookie, "Origin": "https://audit.example"}
    with following(url, elsewhere | {"Sec-Fetch-Site": "same-origin"}):
        pass
    for foreign in ("same-site", "cross-site", "none", ""):
        assert refusal(url, elsewhere | {"Sec-Fetch-Site": foreign}).status == 401


def test_looking_around_is_a_use_of_the_key(tmp_path: Path) -> None:
    """Whoever opens pages by a session uses its key: that is noted when the server ends, at the latest."""
    with serving(tmp_path) as server:
        visitor = Visitor(server, "bea", issue_key(server.url, "bea", role="auditor"))
        assert visitor.get("/system").status_code == 200
        server.stop()
        server.start()
        with server.client() as client:
            (key,) = [one for one in client.get("/key/").json()["objects"] if one["user"] == "bea"]
        assert key["last_used"] is not None
