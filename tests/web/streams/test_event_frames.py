"""What stands in the frames of the event stream, and who gets which."""

import re
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.server import Server
from tests.support.websocket import Frame
from tests.web.api.callers import Caller, Json, Tenant
from tests.web.streams.listening import events, finish, head

KEYS = ["type", "action", "parents", "resource_uri", "state", "uuid", "datetime", "position"]

#: Kinds of objects that a world has two of each: service 1 is below stack 1, which is in region 1.
OBJECTS = [f"/{kind}/{number}/" for number in (1, 2) for kind in ("region", "stack", "service")]

#: What comes last in such a world: it is in every filter, so that it ends what is read.
LAST = "/last/"


def changes(frames: list[Frame]) -> list[tuple[str, str, str]]:
    """Return of each frame what it says of which action."""
    return [(frame["action"], frame["state"], frame["resource_uri"]) for frame in frames]


def test_each_change_of_an_actions_life_is_one_frame(server: Server, tenant: Tenant) -> None:
    """Recorded, started, canceled, ended, retried: a frame each, in order, with all keys; lanes and relations: none."""
    recorder, operator = tenant.recorder, tenant.operator
    with events(server, tenant.auditor) as stream:
        first = recorder.record(state="Pending", object="/web/", parents=["/shop/"])
        second = recorder.record(state="Pending", object="/web/")
        operator.act(first, "cancel")
        finish(recorder, first, "Canceled")
        finish(recorder, second, "Failed")
        third = operator.act(second, "retry")
        frames = stream.frames(8)
    one, two, three = (action["resource_uri"] for action in (first, second, third))
    assert changes(frames) == [
        ("create", "In progress", one),
        ("create", "Pending", two),
        ("update", "Canceling", one),
        ("update", "Canceled", one),
        ("update", "In progress", two),
        ("update", "Failed", two),
        ("update", "Failed", two),
        ("create", "In progress", three),
    ]
    assert all(list(frame) == KEYS for frame in frames)
    assert all(frame["type"] == "action" and frame["parents"] == ["/web/", "/shop/"] for frame in frames)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", frame["datetime"]) for frame in frames)
    assert len({UUID(frame["uuid"]) for frame in frames}) == 8
    positions = [frame["position"] for frame in frames]
    assert positions == sorted(set(positions))


def test_a_frame_is_the_same_whenever_it_is_read(server: Server, tenant: Tenant) -> None:
    """Read later, from `after` on, an event has the frame that it had when it happened: its id too."""
    start = head(tenant.auditor)
    with events(server, tenant.auditor) as stream:
        action = tenant.recorder.record(state="In progress", object="/web/")
        finish(tenant.recorder, action)
        live = stream.frames(2)
    with events(server, tenant.auditor, f"after={start}") as stream:
        assert stream.frames(2) == live


def test_parents_are_the_object_and_all_above_it(server: Server, tenant: Tenant) -> None:
    """Nearest first, as they were when the action was recorded; [] where it has no object."""
    with events(server, tenant.auditor) as stream:
        tenant.recorder.relate("/region/", "/stack/")
        tenant.recorder.record(object="/service/", parents=["/stack/"])
        tenant.recorder.unrelate("/region/", "/stack/")
        tenant.recorder.record(object="/service/")
        tenant.recorder.record()
        assert [frame["parents"] for frame in stream.frames(3)] == [
            ["/service/", "/stack/", "/region/"],
            ["/service/", "/stack/"],
            [],
        ]


def test_without_after_it_begins_now(server: Server, tenant: Tenant) -> None:
    """What was recorded before the stream was opened is not in it."""
    tenant.recorder.record()
    with events(server, tenant.auditor) as stream:
        action = tenant.recorder.record()
        assert stream.frame()["resource_uri"] == action["resource_uri"]


def world(tenant: Tenant) -> tuple[list[Json], int]:
    """Record an action on each object, one without, and the last; return them, and the position before."""
    start = head(tenant.auditor)
    for number in (1, 2):
        tenant.recorder.relate(f"/region/{number}/", f"/stack/{number}/")
        tenant.recorder.relate(f"/stack/{number}/", f"/service/{number}/")
    return tenant.recorder.batch(*({"object": name} for name in [*OBJECTS, "", LAST])), start


def above(name: str) -> set[str]:
    """Return an object of a world and all above it."""
    return {name, *OBJECTS[OBJECTS.index(name) // 3 * 3 :][: OBJECTS.index(name) % 3]} if name in OBJECTS else {name}


def test_filters_are_comma_lists(server: Server, tenant: Tenant) -> None:
    """For all filters by type, object (its URI or the action's) and parent(s): each action that all of them match."""
    actions, start = world(tenant)
    uris = [action["resource_uri"] for action in actions]
    some = st.lists(st.sampled_from(OBJECTS), max_size=3)

    @settings(max_examples=40)
    @given(types=st.sampled_from(["", "action", "container,action"]), plural=st.sampled_from(["", "s"]),
           objects=some, by_uri=st.lists(st.sampled_from(uris[:-1]), max_size=2), parents=some)  # fmt: skip
    def holds(types: str, plural: str, objects: list[str], by_uri: list[str], parents: list[str]) -> None:
        wanted = {*objects, *by_uri}
        query = [f"after={start}"]
        query += [f"type={types}"] if types else []
        query += [f"object={','.join([*wanted, LAST])}"] if wanted else []
        query += [f"parent{plural}={','.join([*parents, LAST])}"] if parents else []
        expected = [
            action["resource_uri"]
            for action in actions[:-1]
            if (not wanted or wanted & {action["object"], action["resource_uri"]})
            and (not parents or above(action["object"]) & set(parents))
        ]
        with events(server, tenant.auditor, "&".join(query)) as stream:
            found = [frame["resource_uri"] for frame in stream.frames(len(expected) + 1)]
        assert found == [*expected, uris[-1]]

    holds()


def test_types_that_there_are_none_of(server: Server, tenant: Tenant) -> None:
    """A stream of types that Docker Cloud alone had has no frame: it is silent until its key is revoked."""
    told = tenant.issued("anna", "auditor")
    auditor = Caller(tenant.http, "anna", told["key"])
    with events(server, auditor, "type=stack,service,container,nodecluster,node,error") as stream:
        tenant.recorder.record()
        assert tenant.admin.delete(f"/key/{told['id']}/").status_code == 200
        assert stream.rest()[0] == []
