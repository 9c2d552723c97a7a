"""Whose address is recorded: the peer's, or what a trusted proxy says."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.support.server import Server, serving
from tests.web.api.callers import CALL, Caller, Tenant, document
from tests.web.api.conformance import asking

FORWARDED = "203.0.113.7"


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that trusts one address on this machine, and a network behind it."""
    with serving(tmp_path_factory.mktemp("proxies"), DEEDBOOK_TRUSTED_PROXIES="127.0.0.1, 10.0.0.0/8") as server:
        yield server


@pytest.fixture(scope="module")
def proxied(behind: Server) -> Iterator[Caller]:
    """Who asks it through the proxy."""
    with asking(behind) as client:
        yield Tenant(client, behind.key).recorder


def address(caller: Caller, forwarded: str | None) -> str:
    """Record an action, and return the address that was recorded."""
    headers = {} if forwarded is None else {"x-forwarded-for": forwarded}
    answer: httpx.Response = caller.post("/action/", CALL, headers=headers)
    return str(document(answer)["ip"])


@pytest.mark.parametrize("forwarded", [None, FORWARDED, "nonsense", f"{FORWARDED}, 127.0.0.1"])
def test_no_proxy_is_trusted_unless_said(recorder: Caller, forwarded: str | None) -> None:
    """The address is the peer's, whatever X-Forwarded-For says."""
    assert address(recorder, forwarded) == "127.0.0.1"


@pytest.mark.parametrize(
    ("forwarded", "found"),
    [
        (None, "127.0.0.1"),
        ("", "127.0.0.1"),
        (FORWARDED, FORWARDED),
        ("2001:db8::1", "2001:db8::1"),
        # Each proxy adds who asked it: the last that is none of ours counts, since what is before it may be made up.
        (f"1.2.3.4, {FORWARDED}", FORWARDED),
        (f"1.2.3.4, {FORWARDED}, 10.1.2.3", FORWARDED),
        (f"{FORWARDED},10.1.2.3,10.4.5.6", FORWARDED),
        ("10.1.2.3", "10.1.2.3"),
        # Some proxies tell the port too.
        (f"{FORWARDED}:4711", FORWARDED),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        (f"1.2.3.4, {FORWARDED}:4711, 10.1.2.3:80", FORWARDED),
    ],
)
def test_a_trusted_proxy_says_who_asked_it(proxied: Caller, forwarded: str | None, found: str) -> None:
    """Through as many of them as there are."""
    assert address(proxied, forwarded) == found


def test_who_comes_past_the_proxy_is_not_believed(behind: Server, proxied: Caller) -> None:
    """A peer that is no trusted proxy is itself who asks."""
    with asking(behind, "127.0.0.9") as client:
        assert address(Caller(client, proxied.user, proxied.key), FORWARDED) == "127.0.0.9"


def test_what_is_recorded_is_an_address(proxied: Caller) -> None:
    """What a proxy says that is none is not recorded as if it were."""
    said = ["nonsense", "unknown", "_hidden", "203.0.113.7:x", "[203.0.113.7", "[nonsense]:80", "<script>"]
    assert {address(proxied, forwarded) for forwarded in said} == {"127.0.0.1"}


def test_several_lines_of_the_header_are_one_list(proxied: Caller) -> None:
    """As RFC 9110 has it (5.3): some proxies add a line of their own."""
    lines = [("x-forwarded-for", FORWARDED), ("x-forwarded-for", "10.1.2.3")]
    answer = proxied.post("/action/", CALL, headers=lines)
    assert document(answer)["ip"] == FORWARDED


def test_an_address_that_the_recorder_gave_is_kept(proxied: Caller) -> None:
    """It is that of the recorded call, not of the request."""
    answer = proxied.post("/action/", {**CALL, "ip": "198.51.100.1"}, headers={"x-forwarded-for": FORWARDED})
    assert document(answer)["ip"] == "198.51.100.1"


def test_a_retry_is_from_who_retried(behind: Server, proxied: Caller) -> None:
    """Also through a proxy."""
    made = proxied.record()
    admin = Caller(proxied.http, "me", behind.key)
    answer = admin.post(f"/action/{made['uuid']}/retry/", headers={"x-forwarded-for": FORWARDED})
    assert document(answer)["ip"] == FORWARDED


def wrong_key(server: Server, forwarded: str, address: str | None = None) -> int:
    """Ask with a wrong key, through the proxy or past it, and return the status."""
    with asking(server, address) as client:
        headers = {"authorization": "Bearer wrong", "x-forwarded-for": forwarded}
        return client.get("/action/", headers=headers).status_code


def wrong_sign_in(server: Server, forwarded: str) -> int:
    """Send the console's form with a wrong key, through the proxy, and return the status."""
    form = {"user": "me", "key": "wrong"}
    return httpx.post(f"{server.address}/sign-in", data=form, headers={"x-forwarded-for": forwarded}).status_code


@pytest.mark.parametrize(
    ("tried", "refused", "number"), [(wrong_key, 401, 1), (wrong_sign_in, 403, 2)], ids=["API", "console"]
)
def test_wrong_keys_are_counted_by_who_asked_the_proxy(
    behind: Server, tried: Callable[[Server, str], int], refused: int, number: int
) -> None:
    """Who tries many locks out themselves, and nobody else who comes through the same proxy."""
    answers = {tried(behind, f"198.51.100.{number}") for _ in range(40)}
    assert answers == {refused, 429}
    assert tried(behind, f"198.51.100.{number}") == 429
    assert tried(behind, f"203.0.113.{number}") == refused


def test_nobody_escapes_the_count_past_the_proxy(behind: Server) -> None:
    """Whose word is not trusted is counted by their own address, whatever they say."""
    assert {wrong_key(behind, f"198.51.100.{100 + number}", "127.0.0.8") for number in range(40)} == {401, 429}
