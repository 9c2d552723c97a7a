"""API keys, for admins: issued, listed, revoked; and each of these is recorded."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import pytest

from tests.web.api.callers import Caller, Json, Tenant, document

RESERVED = ("action", "event", "events", "relationship", "admin", "key", "user", "object", "search", "deedbook")


def asked(**fields: object) -> Json:
    """Return what is asked for: a good key but for `fields`."""
    return {"user": "eve", "namespace": "elsewhere", "role": "auditor", **fields}


def known(admin: Caller, key: str) -> list[Json]:
    """Return what the list tells of a key."""
    return [one for one in document(admin.get("/key/"))["objects"] if one["id"] == key]


@pytest.mark.parametrize("role", ["auditor", "operator", "recorder", "admin"])
def test_a_key_can_be_used_at_once(tenant: Tenant, role: str) -> None:
    """It is shown with its secret, of 256 bits at the least, and with all else that it has."""
    answer = tenant.admin.post("/key/", {"user": "eve", "namespace": tenant.namespace, "role": role})
    issued = document(answer)
    assert answer.status_code == 201
    assert {name: issued[name] for name in ("user", "namespace", "role", "revoked")} == {
        "user": "eve",
        "namespace": tenant.namespace,
        "role": role,
        "revoked": None,
    }
    assert parsedate_to_datetime(issued["created"]) <= datetime.now(UTC)
    assert len(issued["key"]) >= 43
    assert Caller(tenant.http, "eve", issued["key"]).get("/action/").status_code == 200


def test_the_secret_is_shown_once(admin: Caller) -> None:
    """The list tells all else of it."""
    issued = document(admin.post("/key/", asked()))
    (listed,) = known(admin, issued["id"])
    assert listed == {name: value for name, value in issued.items() if name != "key"}


def test_no_two_secrets_are_the_same(admin: Caller) -> None:
    """Also for the same user."""
    issued = [document(admin.post("/key/", asked())) for _ in range(5)]
    assert len({one["key"] for one in issued}) == len({one["id"] for one in issued}) == 5


def test_a_revoked_key_stays_in_the_list(admin: Caller) -> None:
    """With when; revoking tells the same."""
    issued = document(admin.post("/key/", asked()))
    answer = admin.delete(f"/key/{issued['id']}/")
    (listed,) = known(admin, issued["id"])
    assert (answer.status_code, document(answer)) == (200, listed)
    assert parsedate_to_datetime(listed["revoked"]) >= parsedate_to_datetime(issued["created"])


def test_a_key_is_revoked_once(admin: Caller) -> None:
    """Again is a 404, as is a key that never was."""
    issued = document(admin.post("/key/", asked()))
    assert admin.delete(f"/key/{issued['id']}/").status_code == 200
    for key in (issued["id"], "00000000-0000-4000-8000-000000000000", "x", issued["key"]):
        assert admin.delete(f"/key/{key}/").status_code == 404


def test_an_admin_may_revoke_the_key_that_asks(tenant: Tenant) -> None:
    """It is answered still, and then no more."""
    issued = tenant.issued("eve", "admin")
    caller = Caller(tenant.http, "eve", issued["key"])
    assert caller.delete(f"/key/{issued['id']}/").status_code == 200
    assert caller.get("/key/").status_code == 401


@pytest.mark.parametrize(
    ("name", "body"),
    [
        *(("namespace", asked(namespace=name)) for name in RESERVED),
        ("namespace", asked(namespace="")),
        ("namespace", asked(namespace="a/b")),
        ("namespace", asked(namespace="-a")),
        ("namespace", asked(namespace="ü")),
        ("namespace", asked(namespace="a" * 64)),
        ("namespace", asked(namespace="a\n")),
        ("namespace", asked(namespace=None)),
        ("role", asked(role="root")),
        ("role", asked(role="Admin")),
        ("role", asked(role=None)),
        ("user", asked(user="")),
        ("user", asked(user="a:b")),
        ("user", asked(user=7)),
        ("key", asked(key="chosen")),
        ("role", {"user": "eve", "namespace": "elsewhere"}),
        ("namespace", {"user": "eve", "role": "auditor"}),
        ("user", {"namespace": "elsewhere", "role": "auditor"}),
    ],
    ids=str,
)
def test_what_is_no_key_is_refused(admin: Caller, name: str, body: Json) -> None:
    """400, naming what is wrong: a name that the paths need, for one."""
    answer = admin.post("/key/", body)
    assert (answer.status_code, name in answer.json()["error"]) == (400, True), answer.text


def test_issuing_and_revoking_are_recorded(tenant: Tenant) -> None:
    """As actions on the key, in the namespace `deedbook`, with who did it; they can be neither canceled nor retried."""
    issued = document(tenant.admin.post("/key/", asked()))
    tenant.admin.delete(f"/key/{issued['id']}/")
    uri = f"/api/audit/v1/key/{issued['id']}/"
    tenant.admin.root = "/deedbook"
    actions = tenant.admin.listed({"object": uri})
    assert [(action["method"], action["state"]) for action in actions] == [("POST", "Success"), ("DELETE", "Success")]
    assert {(action["user"], action["ip"]) for action in actions} == {(tenant.admin.user, "127.0.0.1")}
    assert {(action["can_be_canceled"], action["can_be_retried"]) for action in actions} == {(False, False)}
    assert tenant.admin.post(f"/action/{actions[0]['uuid']}/retry/").status_code == 409


def test_only_admins_see_that(tenant: Tenant) -> None:
    """For everybody else there is no such namespace, and no such action."""
    issued = document(tenant.admin.post("/key/", asked(namespace=tenant.namespace)))
    (action,) = tenant.admin.listed({"object": f"/api/audit/v1/key/{issued['id']}/"})
    for role in ("auditor", "operator", "recorder"):
        caller = tenant.caller(role)
        assert caller.get(f"/action/{action['uuid']}/").status_code == 404
        assert caller.get("/deedbook/action/").status_code == 404
        assert caller.listed() == []


def test_a_refused_key_is_not_recorded(tenant: Tenant) -> None:
    """Nothing happened."""
    before = document(tenant.admin.get("/key/"))
    assert tenant.admin.post("/key/", asked(namespace="action")).status_code == 400
    assert tenant.auditor.post("/key/", asked()).status_code == 403
    after = document(tenant.admin.get("/key/"))
    assert [one["id"] for one in after["objects"]][: len(before["objects"])] == [one["id"] for one in before["objects"]]
    assert [one["user"] for one in after["objects"]][len(before["objects"]) :] == [tenant.auditor.user]


def test_a_namespace_in_the_path_narrows_the_list(tenant: Tenant, other: Tenant) -> None:
    """To the keys of that one."""
    tenant.issued("ann", "auditor")
    other.issued("bob", "auditor")
    listed = document(tenant.admin.get(f"/{tenant.namespace}/key/"))["objects"]
    assert {one["user"] for one in listed} == {"ann", tenant.admin.user}
