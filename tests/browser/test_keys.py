"""Keys, as an admin issues and revokes them."""

from playwright.sync_api import Page, expect

from tests.support.browser import Windows, on_both
from tests.support.server import Server


def _issue(page: Page, user: str, role: str = "operator") -> str:
    """Issue a key, and return the secret that is shown."""
    page.get_by_label("User", exact=True).fill(user)
    page.get_by_label("Namespace", exact=True).last.fill("acme")
    page.get_by_label("Role", exact=True).select_option(role)
    page.get_by_role("button", name="Issue").click()
    return page.locator("#secret").inner_text()


@on_both
def test_key_is_issued_shown_once_and_works(windows: Windows, server: Server) -> None:
    """Its secret is on the page that answers, is copied, opens the API, and stands nowhere afterwards."""
    page = windows.open("/keys")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    secret = _issue(page, "otto")
    expect(page.get_by_role("status", name="The new key of otto")).to_be_focused()
    page.get_by_role("button", name="Copy the key").click()
    assert page.evaluate("navigator.clipboard.readText()") == secret
    page.goto("/keys")
    expect(page.get_by_role("row", name="otto operator acme")).to_contain_text("never")
    with server.client(secret, "otto") as client:
        assert client.get("/action/").status_code == 200
    assert secret not in page.content()


def test_form_that_is_sent_twice_issues_one_key(windows: Windows) -> None:
    """A reload that sends the form again says that it was sent, and there is one key."""
    windows.expect("status of 409")
    page = windows.open("/keys")
    _issue(page, "twin")
    page.reload()
    expect(page.get_by_text("This form was sent already")).to_be_visible()
    page.goto("/keys?q=twin")
    expect(page.get_by_text("1 key", exact=True)).to_be_visible()


def test_form_that_makes_no_sense_keeps_what_was_typed(windows: Windows) -> None:
    """Whatever the browser let through, the server says what is wrong, and nothing has to be typed again."""
    windows.expect("status of 400")
    page = windows.open("/keys")
    page.locator(".issue").evaluate("(form) => { form.noValidate = true; }")
    page.get_by_label("User", exact=True).fill("a:b")
    page.get_by_role("button", name="Issue").click()
    expect(page.get_by_role("alert")).to_have_text("A user has 1 to 256 characters, and no colon among them.")
    expect(page.get_by_label("User", exact=True)).to_have_value("a:b")


@on_both
def test_key_is_revoked_after_asking(windows: Windows, server: Server) -> None:
    """The page asks, naming user, role and namespace; kept it stays, revoked it opens nothing; without a script too."""
    for has_scripts in (True, False):
        user = f"rita-{has_scripts}".lower()
        page = windows.open("/keys", has_scripts=has_scripts)
        secret = _issue(page, user, "recorder")
        page.goto(f"/keys?q={user}")
        page.get_by_role("link", name="Revoke").click()
        expect(page.get_by_role("main")).to_contain_text("recorder in acme")
        page.get_by_role("link", name="Keep it").click()
        page.goto(f"/keys?q={user}")
        page.get_by_role("link", name="Revoke").click()
        page.get_by_role("button", name="Revoke").click()
        page.wait_for_url(f"{server.address}/keys")
        with server.client(secret, user) as client:
            assert client.get("/action/").status_code == 401
        page.goto(f"/keys?q={user}")
        expect(page.get_by_text("No key is found")).to_be_visible()
        page.goto(f"/keys?q={user}&revoked=true")
        expect(page.get_by_role("row", name=user)).to_contain_text("revoked")


def test_admin_is_warned_of_revoking_their_own_key(windows: Windows, server: Server) -> None:
    """Who asks to revoke the key of their own session reads that they will be signed out."""
    page = windows.open("/keys?q=me+admin")
    page.get_by_role("row", name="(yours)").get_by_role("link").click()
    expect(page.get_by_text("you will be signed out")).to_be_visible()
    assert server.process.poll() is None
