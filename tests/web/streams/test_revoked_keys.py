"""A revoked key follows nothing any more."""

from collections.abc import Callable
from time import monotonic

import pytest

from tests.support.server import Server, deedbook
from tests.support.websocket import Close, bearer, refusals
from tests.web.api.callers import Caller, Tenant
from tests.web.streams.listening import events, output, running

Revoke = Callable[[Server, Tenant, str], None]


def over_http(_server: Server, tenant: Tenant, key: str) -> None:
    """Revoke a key as an admin."""
    assert tenant.admin.delete(f"/key/{key}/").status_code == 200


def from_the_command_line(server: Server, _tenant: Tenant, key: str) -> None:
    """Revoke a key by a process that knows nothing of the server."""
    revoked = deedbook(server.url, "keys", "revoke", key)
    assert revoked.returncode == 0, revoked.stderr


@pytest.mark.parametrize("revoke", [over_http, from_the_command_line])
def test_its_streams_are_closed(server: Server, tenant: Tenant, revoke: Revoke) -> None:
    """Both streams close with 1008 soon after, and none opens again; another key's stay open."""
    told = tenant.issued("anna", "auditor")
    anna = Caller(tenant.http, "anna", told["key"])
    action = running(tenant.recorder)
    with (
        events(server, anna) as her_events,
        output(server, anna, action) as her_output,
        events(server, tenant.operator) as others,
    ):
        revoke(server, tenant, told["id"])
        revoked = monotonic()
        assert her_events.rest() == ([], Close(1008, "this API key was revoked"))
        assert her_output.rest() == ([], Close(1008, "this API key was revoked"))
        # About a second, said for a machine that is busy.
        assert monotonic() - revoked < 5
        tenant.recorder.record(object="/after/")
        assert others.frame()["parents"] == ["/after/"]
    her_key = bearer(told["key"])
    logs = f"{server.stream}/action/{action['uuid']}/logs/"
    assert [one.status for one in refusals((f"{server.stream}/events/", her_key), (logs, her_key))] == [401, 401]
