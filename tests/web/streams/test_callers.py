"""The forms in which published clients ask for the streams."""

import base64
from itertools import product

import pytest

from tests.support.server import Server
from tests.support.websocket import PATIENCE, bearer, following
from tests.web.api.callers import Caller, Tenant
from tests.web.streams.listening import events, head, output, running

CREDENTIALS = {
    "Basic": "Basic {basic}",
    "basic": "basic {basic}",
    "ApiKey": "ApiKey anna:{key}",
    "Bearer": "Bearer {key}",
}


def plain(server: Server) -> str:
    """Return where streams are, with nothing of the path."""
    return f"ws://127.0.0.1:{server.port}"


@pytest.mark.parametrize("form", CREDENTIALS)
def test_a_key_is_taken_in_each_form(server: Server, tenant: Tenant, form: str) -> None:
    """Both streams take the Authorization header as Python, Go and scripts send it."""
    key = tenant.auditor.key
    basic = base64.b64encode(f"anna:{key}".encode()).decode()
    headers = {"Authorization": CREDENTIALS[form].format(basic=basic, key=key)}
    start = head(tenant.auditor)
    action = running(tenant.recorder, "line")
    with following(f"{server.stream}/events/?after={start}", headers) as stream:
        assert stream.frame()["resource_uri"] == action["resource_uri"]
    with following(f"{server.stream}{action['resource_uri'][13:]}logs/", headers) as stream:
        assert stream.frame()["log"] == "line"


@pytest.mark.parametrize("credentials", ["user=anna&token={key}", "token={key}"])
def test_a_key_is_taken_from_the_query(server: Server, tenant: Tenant, credentials: str) -> None:
    """Go's log stream sends no header: both streams take `user` and `token`, beside their own parameters."""
    query = credentials.format(key=tenant.auditor.key)
    start = head(tenant.auditor)
    action = running(tenant.recorder, "one", "two")
    with following(f"{server.stream}/events/?{query}&after={start}") as stream:
        assert stream.frame()["resource_uri"] == action["resource_uri"]
    with following(f"{server.stream}/action/{action['uuid']}/logs/?tail=1&{query}") as stream:
        assert stream.frame()["log"] == "two"


def test_every_form_of_the_path_of_events(server: Server, tenant: Tenant) -> None:
    """With and without the namespace and the trailing slash, with doubled leading slashes: it is the event stream."""
    start = head(tenant.auditor)
    uri = tenant.recorder.record()["resource_uri"]
    for slashes, namespace, end in product(("/", "//", "///"), ("", f"/{tenant.namespace}"), ("", "/")):
        url = f"{plain(server)}{slashes}api/audit/v1{namespace}/events{end}?after={start}"
        with following(url, bearer(tenant.auditor.key)) as stream:
            assert stream.frame()["resource_uri"] == uri, url


def test_every_form_of_the_path_of_output(server: Server, tenant: Tenant) -> None:
    """The same for the log stream, and without /api as well."""
    action = running(tenant.recorder, "line")
    forms = product(("/", "//", "///"), ("api/", ""), ("", f"/{tenant.namespace}"), ("", "/"))
    for slashes, api, namespace, end in forms:
        url = f"{plain(server)}{slashes}{api}audit/v1{namespace}/action/{action['uuid']}/logs{end}?follow=false"
        with following(url, bearer(tenant.auditor.key)) as stream:
            assert [frame["log"] for frame in stream.rest()[0]] == ["line"], url


@pytest.mark.parametrize("role", ["auditor", "operator", "recorder", "admin"])
def test_every_role_may_follow(server: Server, tenant: Tenant, role: str) -> None:
    """Recorders too: their workers learn of cancellations from the streams."""
    caller: Caller = tenant.caller(role)
    action = running(tenant.recorder, "line")
    with events(server, caller, f"object={action['resource_uri']}") as stream:
        tenant.operator.act(action, "cancel")
        assert stream.frame()["state"] == "Canceling"
    with output(server, caller, action) as stream:
        assert stream.frame()["log"] == "line"


def test_a_ping_has_its_pong(server: Server, tenant: Tenant) -> None:
    """The Python client hangs up without one: on both streams, idle, and after the client said something."""
    action = running(tenant.recorder)
    for opened in (events(server, tenant.auditor), output(server, tenant.auditor, action)):
        with opened as stream:
            assert stream.connection.ping().wait(PATIENCE)
            stream.connection.send("hello?")
            assert stream.connection.ping().wait(PATIENCE)


def test_a_client_may_tell_its_origin(server: Server, tenant: Tenant) -> None:
    """Python sends one: whatever it is, it is accepted."""
    headers = {**bearer(tenant.auditor.key), "Origin": "http://elsewhere.example"}
    with following(f"{server.stream}/events/", headers) as stream:
        uri = tenant.recorder.record()["resource_uri"]
        assert stream.frame()["resource_uri"] == uri
