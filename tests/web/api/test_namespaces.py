"""Nobody sees or touches what is in another namespace, and nobody learns that it is there."""

import pytest

from tests.web.api.callers import CALL, Caller, Json, Tenant, document
from tests.web.api.scene import ABOUT_ONE, REQUESTS, Request, Scene

ROLES = ("auditor", "operator", "recorder")

#: Bodies and queries that are wrong in themselves: elsewhere a 400, 413 or 415.
WRONG: dict[str, Json] = {
    "no JSON": {"content": "{"},
    "an unknown key": {"json": {"nonsense": 1}},
    "too large": {"content": b"x" * (256 * 1024 + 1)},
    "plain text": {"content": "x", "headers": {"content-type": "text/plain"}},
    "an empty idempotency key": {"json": {"state": "Success"}, "headers": {"idempotency-key": ""}},
    "an unknown parameter": {"params": {"nonsense": "1"}},
}


@pytest.mark.parametrize("request_", ABOUT_ONE, ids=str)
@pytest.mark.parametrize("role", ROLES)
def test_another_namespace_s_action_is_not_there(tenant: Tenant, other: Tenant, role: str, request_: Request) -> None:
    """404 before it is anything else, a 403 too: whoever asks learns no more than of an id that nobody has."""
    path = Scene(other).path(request_)
    answer = Scene(tenant).ask(tenant.caller(role), request_, path)
    assert answer.status_code == 404
    unknown = "00000000-0000-4000-8000-000000000000"
    uuid = path.split("/")[2]
    nobody_s = Scene(tenant).ask(tenant.caller(role), request_, path.replace(uuid, unknown))
    assert (nobody_s.status_code, nobody_s.text.replace(unknown, uuid)) == (404, answer.text)


@pytest.mark.parametrize("request_", [one for one in ABOUT_ONE if one.method == "POST"], ids=str)
@pytest.mark.parametrize("how", WRONG.values(), ids=WRONG.keys())
def test_it_is_a_404_whatever_is_sent(tenant: Tenant, other: Tenant, request_: Request, how: Json) -> None:
    """A wrong body, type or parameter does not come first."""
    path = Scene(other).path(request_)
    for role in ("auditor", "recorder"):
        assert tenant.caller(role).post(path, **how).status_code == 404


def test_what_is_not_there_is_not_touched(tenant: Tenant, other: Tenant) -> None:
    """An action of another namespace runs on, whatever was tried."""
    running = other.recorder.record(state="In progress")
    for request in ABOUT_ONE:
        if request.method == "POST":
            path = request.path.replace("{running}", running["uuid"]).replace("{ended}", running["uuid"])
            for role in ROLES:
                Scene(tenant).ask(tenant.caller(role), request, path)
    assert other.recorder.fetch(running) == running
    assert other.recorder.act(running, "logs", {"lines": ["x"]})["first"] == 1


@pytest.mark.parametrize("request_", [one for one in REQUESTS if not one.path.startswith("/key")], ids=str)
def test_another_namespace_s_path_is_not_there(tenant: Tenant, other: Tenant, request_: Request) -> None:
    """404, for whoever would be allowed the same in a namespace of their own."""
    path = f"/{other.namespace}{Scene(other).path(request_)}"
    for role in ROLES:
        allowed = Scene(tenant).ask(tenant.caller(role), request_).status_code != 403
        if allowed:
            assert Scene(tenant).ask(tenant.caller(role), request_, path).status_code == 404


@pytest.mark.parametrize("path", ["/action/", "/relationship/"])
def test_another_namespace_s_path_is_not_there_whatever_is_sent(tenant: Tenant, other: Tenant, path: str) -> None:
    """A body, type or parameter that is wrong does not come first."""
    asked = {word: tenant.recorder.post(f"/{other.namespace}{path}", **how) for word, how in WRONG.items()}
    assert {word: answer.status_code for word, answer in asked.items()} == dict.fromkeys(WRONG, 404)


def test_another_namespace_s_path_is_not_there_before_it_is_forbidden(tenant: Tenant, other: Tenant) -> None:
    """Also for roles that may not record at home."""
    asked = [caller.post(f"/{other.namespace}/action/", CALL) for caller in (tenant.auditor, tenant.operator)]
    assert [answer.status_code for answer in asked] == [404, 404]


def test_a_namespace_that_nobody_has_is_not_there_either(tenant: Tenant) -> None:
    """So a 404 tells nothing of the others."""
    answers = [tenant.auditor.get(f"/{name}/action/") for name in ("nobody-s", "deedbook", "ns%2F..", "%F0%9F%8C%8D")]
    assert {answer.status_code for answer in answers} == {404}


def test_one_s_own_namespace_in_the_path_changes_nothing(tenant: Tenant) -> None:
    """The list is the same with it."""
    tenant.recorder.record()
    assert tenant.auditor.listed() == Caller(
        tenant.http, tenant.auditor.user, tenant.auditor.key, f"/{tenant.namespace}"
    ).listed()  # fmt: skip


def test_lists_hold_one_s_own_only(tenant: Tenant, other: Tenant) -> None:
    """Whatever is asked for: by filter, by object, by id."""
    mine = tenant.recorder.record(object="/o", parents=["/p"])
    theirs = other.recorder.record(object="/o", parents=["/p"])
    for query in ("", "object=/o", "object=/p&include_related=true", "user=rita", "state=Success", "ip=127.0.0.1"):
        assert tenant.auditor.listed(query) == [mine]
    assert tenant.auditor.page(f"uuid={theirs['uuid']}")["meta"]["total_count"] == 0
    assert tenant.auditor.page(f"uuid__startswith={theirs['uuid']}")["meta"]["total_count"] == 0


def test_relationships_never_cross_namespaces(tenant: Tenant, other: Tenant) -> None:
    """What is above an object here is not above one of the same name there: in lists, in parents, in cycles."""
    tenant.recorder.relate("/s", "/v")
    assert other.recorder.get("/relationship/?object=/v").json()["above"] == []
    assert other.recorder.delete("/relationship/?parent=/s&child=/v").status_code == 404
    assert other.recorder.record(object="/v")["parents"] == []
    assert other.recorder.post("/relationship/", {"parent": "/v", "child": "/s"}).status_code == 201


def test_an_admin_s_list_keeps_relationships_apart_too(tenant: Tenant, other: Tenant) -> None:
    """Over all namespaces, each action is related by what holds in its own."""
    top, middle, low = (f"/{tenant.namespace}/{name}" for name in "svc")
    tenant.recorder.relate(top, middle)
    other.recorder.relate(middle, low)
    for recorder in (tenant.recorder, other.recorder):
        recorder.batch(*({"object": uri} for uri in (top, middle, low)))
    page = tenant.admin.page({"object": top, "include_related": "true"})
    found = sorted(action["object"][-1] for action in page["objects"])
    assert (found, page["meta"]["total_count"]) == (["s", "s", "v"], 3)


def test_an_admin_sees_all_namespaces_or_the_path_s(tenant: Tenant, other: Tenant) -> None:
    """Without a namespace in the path all of them; with one only that."""
    mine, theirs = tenant.recorder.record(user=tenant.namespace), other.recorder.record(user=tenant.namespace)
    admin = tenant.admin
    assert admin.listed(f"user={tenant.namespace}") == [mine, theirs]
    admin.root = f"/{other.namespace}"
    assert admin.listed() == [theirs]
    assert admin.fetch(theirs) == theirs
    assert admin.get(f"/action/{mine['uuid']}/").status_code == 404


def test_an_admin_s_requests_go_where_the_path_says(tenant: Tenant, other: Tenant) -> None:
    """Recorded and related is in the path's namespace, else in the key's."""
    admin = tenant.admin
    assert tenant.auditor.listed() == [] == other.auditor.listed()
    here = admin.record()
    admin.relate("/p", "/here")
    admin.root = f"/{other.namespace}"
    there = admin.record()
    admin.relate("/p", "/there")
    assert (tenant.auditor.listed(), other.auditor.listed()) == ([here], [there])
    told = {
        one.namespace: [entry["uri"] for entry in document(one.auditor.get("/relationship/?object=/p"))["below"]]
        for one in (tenant, other)
    }
    assert told == {tenant.namespace: ["/here"], other.namespace: ["/there"]}


def test_an_admin_s_retry_stays_where_the_action_is(tenant: Tenant, other: Tenant) -> None:
    """It is in the namespace of the one that it retries, not in the admin's."""
    old = other.recorder.record()
    new = tenant.admin.act(old, "retry")
    assert other.auditor.fetch(new) == new
    assert tenant.auditor.listed() == []
