"""Nobody follows what is another namespace's."""

import pytest

from tests.support.server import Server
from tests.support.websocket import bearer, following, refusal, refusals
from tests.web.api.callers import Tenant
from tests.web.streams.listening import events, head, running


@pytest.fixture
def neighbour(tenant: Tenant, server: Server) -> Tenant:
    """Another namespace of the same server."""
    return Tenant(tenant.http, server.key)


def test_events_of_others_are_not_in_the_stream(server: Server, tenant: Tenant, neighbour: Tenant) -> None:
    """Live and resumed alike, a stream holds the changes of its own namespace only."""
    start = head(tenant.auditor)
    with events(server, tenant.auditor) as stream:
        neighbour.recorder.record(object="/web/")
        mine = tenant.recorder.record(object="/web/")
        assert stream.frame()["resource_uri"] == mine["resource_uri"]
    with events(server, tenant.auditor, f"after={start}&object=/web/") as stream:
        assert stream.frame()["resource_uri"] == mine["resource_uri"]


def test_admins_follow_all_or_the_one_in_the_path(server: Server, tenant: Tenant, neighbour: Tenant) -> None:
    """Without a namespace in the path an admin sees every one's changes, with one only those of that one."""
    key = bearer(tenant.admin.key)
    with (
        following(f"{server.stream}/events/?object=/both/", key) as everything,
        following(f"{server.stream}/{neighbour.namespace}/events/?object=/both/", key) as theirs,
    ):
        mine = tenant.recorder.record(object="/both/")["resource_uri"]
        other = neighbour.recorder.record(object="/both/")["resource_uri"]
        assert [frame["resource_uri"] for frame in everything.frames(2)] == [mine, other]
        assert theirs.frame()["resource_uri"] == other


def test_only_admins_follow_what_happens_to_keys(server: Server, tenant: Tenant) -> None:
    """Issuing a key is an event of the namespace `deedbook`, which an admin reads by its path, and no other does."""
    start = head(tenant.admin)
    issued = f"/api/audit/v1/key/{tenant.issued('anna', 'auditor')['id']}/"
    with following(
        f"{server.stream}/deedbook/events/?after={start}&object={issued}", bearer(tenant.admin.key)
    ) as stream:
        assert stream.frame()["parents"] == [issued]
    assert refusal(f"{server.stream}/deedbook/events/", bearer(tenant.recorder.key)).status == 404
    with events(server, tenant.auditor, f"after={start}&object={issued},/mine/") as stream:
        tenant.recorder.record(object="/mine/")
        assert stream.frame()["parents"] == ["/mine/"]


def test_output_of_others_is_not_there(server: Server, tenant: Tenant, neighbour: Tenant) -> None:
    """An action of another namespace has no log stream, by any path; an admin follows it."""
    action = running(neighbour.recorder, "secret")
    logs = f"action/{action['uuid']}/logs/?follow=false"
    mine = bearer(tenant.auditor.key)
    told = refusals(
        (f"{server.stream}/{logs}", mine),
        (f"{server.stream}/{tenant.namespace}/{logs}", mine),
        (f"{server.stream}/{neighbour.namespace}/{logs}", mine),
        (f"{server.stream}/{tenant.namespace}/{logs}", bearer(tenant.admin.key)),
    )
    assert {(one.status, one.error) for one in told} == {(404, f"There is no action {action['uuid']}.")}
    for path in (logs, f"{neighbour.namespace}/{logs}"):
        with following(f"{server.stream}/{path}", bearer(tenant.admin.key)) as stream:
            assert [frame["log"] for frame in stream.rest()[0]] == ["secret"]
