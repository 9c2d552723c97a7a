"""The published Python SDK follows output and events."""

from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import httpx
import pytest

from tests.clients.conftest import Speaking
from tests.clients.sdk import Json, Sdk, SdkError, credentials
from tests.support.server import Server, serving
from tests.web.api.callers import Caller, Tenant


@pytest.fixture(params=["without a namespace", "with a namespace"])
def either(request: pytest.FixtureRequest, sdk: Sdk, namespaced: Sdk) -> Sdk:
    """The SDK, by either form of the streams' paths."""
    return namespaced if request.param == "with a namespace" else sdk


def running(tenant: Tenant, *lines: str) -> Json:
    """Record an action that runs, with output."""
    action = tenant.recorder.record(state="In progress")
    if lines:
        tenant.recorder.act(action, "logs", {"lines": lines})
    return action


def texts(messages: list[Json]) -> list[str]:
    """Return the lines that log messages hold."""
    assert {message["type"] for message in messages} <= {"log"}
    return [message["log"] for message in messages]


def begin_events(sdk: Sdk) -> None:
    """Let the SDK follow the events, and return when it does."""
    sdk.begin("events")
    assert sdk.message() == "open"


def end_events(sdk: Sdk) -> None:
    """Let it stop."""
    sdk.interrupt()
    assert sdk.end() == ([], None)


def test_logs_without_follow(either: Sdk, tenant: Tenant) -> None:
    """The last lines there are, then it returns, since the server closes; a tail of 0 the SDK does not ask for."""
    action = running(tenant, *map(str, range(310)))
    last = [str(line) for line in range(310)]
    assert texts(either.streamed("logs", uuid=action["uuid"], tail=3, follow=False)) == last[-3:]
    assert texts(either.streamed("logs", uuid=action["uuid"], tail=None, follow=False)) == last[-300:]
    assert texts(either.streamed("logs", uuid=action["uuid"], tail=0, follow=False)) == last[-300:]


def test_logs_with_follow(either: Sdk, tenant: Tenant) -> None:
    """Each line as it is written; it returns once the action has ended and all its lines were there."""
    action = running(tenant, "old", "one")
    either.begin("logs", uuid=action["uuid"], tail=1, follow=True)
    assert either.message()["log"] == "one"
    tenant.recorder.act(action, "logs", {"lines": [{"log": "two", "timestamp": 1433779324}]})
    message = either.message()
    assert (message["type"], message["log"], message["timestamp"]) == ("log", "two", 1433779324)
    tenant.recorder.act(action, "logs", {"lines": ["three", "four"]})
    tenant.recorder.act(action, "finish", {"state": "Success"})
    messages, returned = either.end()
    assert (texts(messages), returned) == (["three", "four"], None)


def test_logs_of_an_action_that_ended(either: Sdk, tenant: Tenant) -> None:
    """Followed all the same, they are read to their end."""
    action = running(tenant, "one", "two")
    tenant.recorder.act(action, "finish", {"state": "Failed"})
    assert texts(either.streamed("logs", uuid=action["uuid"], tail=10, follow=True)) == ["one", "two"]


def test_events(either: Sdk, tenant: Tenant, server: Server) -> None:
    """Each change of an action in its namespace is a message, and nothing of others."""
    begin_events(either)
    Tenant(tenant.http, server.key).recorder.record(object="/web/")
    action = tenant.recorder.record(state="In progress", object="/web/", parents=["/shop/"])
    tenant.operator.act(action, "cancel")
    tenant.recorder.act(action, "finish", {"state": "Canceled"})
    messages = [either.message() for _ in range(3)]
    assert [(one["type"], one["action"], one["state"]) for one in messages] == [
        ("action", "create", "In progress"),
        ("action", "update", "Canceling"),
        ("action", "update", "Canceled"),
    ]
    assert {one["resource_uri"] for one in messages} == {action["resource_uri"]}
    assert all(one["parents"] == ["/web/", "/shop/"] for one in messages)
    end_events(either)


def test_events_stop_on_401(speak: Speaking, tenant: Tenant) -> None:
    """With a wrong key they end at once, with AuthError."""
    with speak(**{**credentials(tenant.auditor), "DOCKERCLOUD_APIKEY": "wrong"}) as sdk:
        sdk.begin("events")
        assert sdk.message() == 401
        with pytest.raises(SdkError, match=r"^AuthError: "):
            sdk.end()


def test_events_do_not_stop_on_other_refusals(speak: Speaking, tenant: Tenant) -> None:
    """In a namespace of others they are tried again and again: a second apart, since refusals are late."""
    with speak(**credentials(tenant.auditor), DOCKERCLOUD_NAMESPACE="elsewhere") as sdk:
        sdk.begin("events")
        begun = monotonic()
        assert [sdk.message() for _ in range(3)] == [404] * 3
        assert monotonic() - begun > 2.5
        sdk.interrupt()
        messages, returned = sdk.end()
        assert (set(messages) <= {404}, returned) == (True, None)


def test_events_stop_when_the_key_is_revoked(speak: Speaking, tenant: Tenant) -> None:
    """Hung up on, the SDK comes back at once, is told 401, and stops with AuthError."""
    told = tenant.issued("anna", "auditor")
    with speak(**credentials(Caller(tenant.http, "anna", told["key"]))) as sdk:
        begin_events(sdk)
        assert tenant.admin.delete(f"/key/{told['id']}/").status_code == 200
        assert sdk.message() == 401
        with pytest.raises(SdkError, match=r"^AuthError: "):
            sdk.end()


@pytest.fixture
def restarting(sdk_python: Path, tmp_path: Path) -> Iterator[Server]:
    """A server that the test stops."""
    assert sdk_python.exists()
    with serving(tmp_path) as server:
        yield server


def test_events_go_on_when_the_server_is_back(restarting: Server, speak: Speaking) -> None:
    """The server stopped and started: the SDK reconnects by itself, and has the events from then on."""
    with httpx.Client(base_url=restarting.api, timeout=60) as http:
        tenant = Tenant(http, restarting.key)
        with speak(restarting, **credentials(tenant.auditor)) as sdk:
            begin_events(sdk)
            before = tenant.recorder.record()
            assert sdk.message()["resource_uri"] == before["resource_uri"]
            assert restarting.stop()[0] == 0
            restarting.start()
            assert sdk.message() == "open"
            after = tenant.recorder.record()
            assert sdk.message()["resource_uri"] == after["resource_uri"]
