"""What holds for every page, and for what pages are made of."""

import html
import re
import shlex

import httpx
import pytest

from deedbook.web.console.assets import Assets
from tests.support.server import Server
from tests.web.console.visitors import Visitor

#: Every page that any reader may open as it is.
PAGES = ("/system", "/keys", "/nowhere", "/theme", "/keys/none/revoke", "/api", "/users", "/users?offset=x", "/object")

_ASSET = re.compile(r'(?:src|href)="(/static/[^"#]+)')


@pytest.mark.parametrize("path", PAGES)
def test_page_may_load_nothing_from_elsewhere_and_hold_no_script(admin: Visitor, path: str) -> None:
    """Each page, errors too, carries the strict policy, and no script, style or handler stands in it."""
    answer = admin.get(path, Accept="text/html")
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert {policy[name] for name in ("script-src", "style-src", "img-src", "connect-src", "form-action")} == {"'self'"}
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "unsafe" not in answer.headers["content-security-policy"]
    for script in re.findall(r"<script\b[^>]*>", answer.text):
        assert 'src="/static/' in script
    assert not re.search(r"<style\b| style=| on[a-z]+=", answer.text)


@pytest.mark.parametrize("path", ["/system", "/keys"])
def test_page_wants_a_session(server: Server, path: str) -> None:
    """Who is not signed in is sent to do that and comes back; a script's request is told to go there whole."""
    answer = httpx.get(f"{server.address}{path}?q=a")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/sign-in?next=%2F{path[1:]}%3Fq%3Da")
    headers = {"HX-Request": "true", "HX-Current-URL": f"{server.address}{path}?q=a"}
    part = httpx.get(f"{server.address}{path}", headers=headers)
    assert (part.status_code, part.headers["hx-redirect"]) == (401, answer.headers["location"])


@pytest.mark.parametrize("url", ["http://[", "http://[a]/b", "//["])
def test_script_whose_page_has_no_url_is_sent_to_the_first_one(server: Server, url: str) -> None:
    """Whatever a client says that its page is."""
    part = httpx.get(f"{server.address}/", headers={"HX-Request": "true", "HX-Current-URL": url})
    assert (part.status_code, part.headers["hx-redirect"]) == (401, "/sign-in?next=%2F")


def test_role_that_may_not_gets_a_page_that_says_so(auditor: Visitor) -> None:
    """A page for admins is a 403 to others, in a sentence; the bar doesn't lead there."""
    answer = auditor.get("/keys")
    assert answer.status_code == 403
    assert "The role auditor may not administer; sign in with another API key." in answer.text
    assert 'href="/keys"' not in answer.text


def test_method_that_a_page_does_not_take_is_a_405(admin: Visitor) -> None:
    """With what it takes in Allow."""
    answer = admin.ask("DELETE", "/keys")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, POST")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH"])
def test_so_it_is_where_nobody_is_signed_in(server: Server, method: str) -> None:
    """On the page where one signs in."""
    answer = httpx.request(method, f"{server.address}/sign-in")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, POST")
    assert "set-cookie" not in answer.headers
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_what_pages_load_is_only_read(server: Server, admin: Visitor, method: str) -> None:
    """Any other method is a 405 with what it takes in Allow."""
    for path in (*assets(admin), "/favicon.ico"):
        answer = httpx.request(method, f"{server.address}{path}")
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
        assert answer.json() == {"error": "This path takes GET, HEAD."}
        assert httpx.head(f"{server.address}{path}").status_code == 200


def test_what_is_not_there_is_a_page_for_browsers_alone(server: Server, admin: Visitor) -> None:
    """Whoever wants HTML most gets a page, signed in or not; everybody else, and all below /api/, the API's error."""
    browser = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
    for answer in (admin.get("/nowhere", **browser), httpx.get(f"{server.address}/nowhere", headers=browser)):
        assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
        assert "There is no page /nowhere" in answer.text
    for accept in ("*/*", "application/json", "text/html;q=0.1, application/json"):
        assert admin.get("/nowhere", Accept=accept).json()["error"].startswith("There is no path /nowhere;")
    for path in ("/api/nowhere", "/api/audit/v1/nowhere/"):
        assert admin.get(path, **browser).headers["content-type"] == "application/json"
    assert "&lt;b&gt;" in admin.get("/%3Cb%3E", **browser).text


def test_head_of_a_page_is_its_head(admin: Visitor) -> None:
    """HEAD answers as GET, without the body."""
    answer = admin.ask("HEAD", "/keys")
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) > 1000


def assets(admin: Visitor) -> list[str]:
    """Return every asset that pages name."""
    found = {path for page in ("/system", "/keys", "/api", "/users") for path in _ASSET.findall(admin.get(page).text)}
    assert len(found) > 3
    return sorted(found)


def test_asset_is_kept_for_ever_and_compressed(server: Server, admin: Visitor) -> None:
    """Without a key, under a path that names its contents; compressed for who takes that, the same for who doesn't."""
    for path in assets(admin):
        compressed = httpx.get(f"{server.address}{path}")
        assert compressed.headers["content-encoding"] == "gzip"
        assert compressed.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert compressed.headers["vary"] == "accept-encoding"
        plain = httpx.get(f"{server.address}{path}", headers={"Accept-Encoding": "identity"})
        assert "content-encoding" not in plain.headers
        assert plain.content == compressed.content


def test_asset_that_is_not_there_is_a_404(server: Server, admin: Visitor) -> None:
    """One of another release too: what a path holds never changes."""
    there = assets(admin)[0]
    digest = there.split("/")[2]
    for path in (
        f"/static/{digest}/none.js",
        there.replace(digest, "0" * 16),
        f"/static/{digest}/../page.py",
        "/static/",
    ):
        assert httpx.get(f"{server.address}{path}").status_code == 404


def test_icon_is_where_browsers_look_for_one(server: Server) -> None:
    """`/favicon.ico` is there, and not for ever: its path names no contents."""
    answer = httpx.get(f"{server.address}/favicon.ico")
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert answer.headers["cache-control"] == "public, max-age=86400"


def test_all_that_pages_load_is_small() -> None:
    """Less than 60 KiB of scripts and 200 KiB in all, compressed, for all pages together."""
    sizes = {name: size for name, size in Assets().sizes.items() if "LICENSE" not in name}
    assert sum(size for name, size in sizes.items() if name.endswith(".js")) < 60 * 1024
    assert sum(sizes.values()) < 200 * 1024


def test_every_page_shows_the_call_that_gives_the_same(server: Server, admin: Visitor) -> None:
    """Each has commands of curl; run with the reader's key, the API answers them."""
    with server.client() as client:
        call = {"action": "Deploy", "method": "POST", "path": "/", "object": "/web/1/", "state": "Success"}
        uuid = client.post("/action/", json=call).json()["uuid"]
    pages = (
        "/",
        "/?state=Success&q=deploy",
        f"/action/{uuid}",
        "/object?object=/web/1/",
        "/users",
        "/system",
        "/keys",
        "/api",
    )
    for page in pages:
        commands = re.findall(r'<details class="as-call">.*?<code>(.*?)</code>', admin.get(page).text, re.DOTALL)
        assert commands, page
        for command in commands:
            *_, address = shlex.split(html.unescape(command))
            answer = httpx.get(address, auth=("me", server.key))
            assert answer.status_code == 200, command
            assert answer.json()
