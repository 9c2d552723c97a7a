"""The published Python SDK lists, fetches, cancels and retries actions."""

from collections.abc import Callable
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

import pytest

from tests.clients.conftest import Speaking
from tests.clients.sdk import Sdk, SdkError, credentials
from tests.web.api.callers import Json, Tenant

SECOND = "Wed, 17 Sep 2014 08:26:{:02} +0000"

#: What the world's actions are made of: each has its own mixture.
STATES = ("Success", "Failed", "In progress", "Success", "Pending")
USERS = ("ada", None, "bob")
OBJECTS = ("/stack/1/", "/service/1/", "/service/2/", "/container/1/", "")


def told(number: int) -> Json:
    """Return what is recorded of an action of the world."""
    state, name = STATES[number % 5], OBJECTS[number % 7 % 5]
    ended = state in ("Success", "Failed")
    return {
        "action": ("Deploy", "Scale")[number % 2],
        "method": ("POST", "PATCH", "DELETE")[number % 3],
        "path": f"/api/app/v1/{number}/",
        "state": state,
        # Nothing that waits, so that each action is found as it was recorded.
        "object": f"/lane/{number}/" if state == "Pending" else name,
        "user": USERS[number % 3],
        "ip": (None, "192.0.2.1", "2001:db8::1")[number % 3],
        "body": f'{{"number": {number}}}',
        "is_user_action": number % 4 > 0,
        **({"start_date": SECOND.format(number % 60)} if state != "Pending" else {}),
        **({"end_date": SECOND.format(min(59, number % 60 + 5))} if ended else {}),
    }


class World(NamedTuple):
    """A namespace's actions, in the order of a list; each state occurs."""

    actions: list[Json]
    sdk: Sdk

    def where(self, holds: Callable[[Json], bool]) -> list[str]:
        """Return the ids of those that a filter should find."""
        return [action["uuid"] for action in self.actions if holds(action)]


@pytest.fixture(scope="module")
def world(tenant: Tenant, sdk: Sdk) -> World:
    """Sixty actions, two of them behind others in a lane, and objects above each other."""
    recorder = tenant.recorder
    recorder.relate("/stack/1/", "/service/1/")
    recorder.relate("/service/1/", "/container/1/")
    recorder.relate("/stack/1/", "/service/2/")
    actions = recorder.batch(*map(told, range(60)))
    tenant.operator.act(actions[2], "cancel")
    recorder.act(actions[7], "logs", {"lines": ["begun"]})
    tenant.operator.act(actions[12], "cancel")
    recorder.act(actions[12], "finish", {"state": "Canceled"})
    for _ in range(2):
        recorder.record(state="Pending", object="/lane/4/")
    listed = tenant.auditor.listed("limit=500")
    assert {action["state"] for action in listed} == {
        "Pending", "In progress", "Canceling", "Canceled", "Success", "Failed",
    }  # fmt: skip
    return World(listed, sdk)


def attributes(action: Json) -> Json:
    """Return an action without what the SDK puts on it."""
    return {name: value for name, value in action.items() if name != "dockercloud_action_uri"}


def test_a_list_is_walked_to_its_end(world: World) -> None:
    """Without a limit it holds every action of all pages, in order, with all attributes as they were sent."""
    assert len(world.actions) == 62
    assert world.sdk.call("list") == world.actions


def test_a_list_is_walked_as_far_as_asked(world: World) -> None:
    """The SDK's own limit stops it on the way."""
    assert world.sdk.call("list", limit=30) == world.actions[:30]


def within(action: Json, name: str, first: int, last: int) -> bool:
    """Tell whether a date of an action is in these seconds of the minute."""
    date = action[name]
    return date is not None and at(SECOND.format(first)) <= at(date) <= at(SECOND.format(last))


def at(date: str) -> datetime:
    """Return a date of the API."""
    return parsedate_to_datetime(date)


# Any: what is asked of the SDK, and a test of an action.
FILTERS: dict[str, tuple[dict[str, Any], Callable[[Json], Any]]] = {
    "state": ({"state": "In progress"}, lambda one: one["state"] == "In progress"),
    "states": ({"state": ["Canceled", "Failed"]}, lambda one: one["state"] in ("Canceled", "Failed")),
    "waiting": ({"state": "Pending"}, lambda one: one["state"] == "Pending"),
    "from a start": (
        {"start_date__gte": SECOND.format(31)},
        lambda one: one["start_date"] and at(one["start_date"]) >= at(SECOND.format(31)),
    ),
    "to a start": ({"start_date__lte": SECOND.format(31)}, lambda one: within(one, "start_date", 0, 31)),
    "a start, as ISO": (
        {"start_date__gte": "2014-09-17T10:26:31+02:00", "start_date__lte": "2014-09-17T08:26:33Z"},
        lambda one: within(one, "start_date", 31, 33),
    ),
    "an end": (
        {"end_date__gte": SECOND.format(40), "end_date__lte": SECOND.format(58)},
        lambda one: within(one, "end_date", 40, 58),
    ),
    "object": ({"object": "/service/1/"}, lambda one: one["object"] == "/service/1/"),
    "related": (
        {"object": "/service/1/", "include_related": True},
        lambda one: one["object"] in ("/stack/1/", "/service/1/", "/container/1/"),
    ),
    "user": ({"user": ["ada"]}, lambda one: one["user"] == "ada"),
    "action and method": (
        {"action": "Deploy", "method": ["POST", "PATCH"]},
        lambda one: one["action"] == "Deploy" and one["method"] in ("POST", "PATCH"),
    ),
    "ip": ({"ip": "2001:db8::1"}, lambda one: one["ip"] == "2001:db8::1"),
    "is_user_action": ({"is_user_action": "false"}, lambda one: not one["is_user_action"]),
    "pages of a filter": ({"is_user_action": "true", "limit": None}, lambda one: one["is_user_action"]),
    "nothing": ({"object": "/nowhere/"}, lambda _one: False),
}


@pytest.mark.parametrize("name", FILTERS)
def test_each_filter(world: World, name: str) -> None:
    """A filter of the SDK's list finds what a naive look at every action finds, in order."""
    asked, holds = FILTERS[name]
    expected = world.where(holds)
    assert expected or name == "nothing"
    assert [action["uuid"] for action in world.sdk.call("list", **asked)] == expected


def test_filters_by_id(world: World) -> None:
    """By a whole id, by several, and by the beginning of one."""
    one, other = world.actions[20]["uuid"], world.actions[10]["uuid"]
    assert world.sdk.call("list", uuid=one) == [world.actions[20]]
    assert world.sdk.call("list", uuid=[one, other]) == [world.actions[10], world.actions[20]]
    assert world.sdk.call("list", uuid__startswith=one[:3]) == [
        action for action in world.actions if action["uuid"].startswith(one[:3])
    ]


def test_order(world: World) -> None:
    """Newest first is the same list, reversed, over all pages."""
    assert world.sdk.call("list", order_by="-start_date") == world.actions[::-1]


def test_fetch(world: World) -> None:
    """An action that is fetched has every attribute that the API answers, and none more."""
    for action in world.actions[:7]:
        assert attributes(world.sdk.call("fetch", uuid=action["uuid"])) == action


def test_cancel(world: World, tenant: Tenant) -> None:
    """Canceled, the SDK's action becomes what the server answered; where it can't be, an ApiError says why."""
    action = tenant.recorder.record(state="In progress")
    canceled = world.sdk.call("cancel", uuid=action["uuid"])
    assert (canceled["uuid"], canceled["state"], canceled["can_be_canceled"]) == (action["uuid"], "Canceling", False)
    with pytest.raises(SdkError, match=r"ApiError: Status 409 .*Canceling"):
        world.sdk.call("cancel", uuid=action["uuid"])
    assert tenant.recorder.fetch(action)["state"] == "Canceling"


def test_retry(world: World, tenant: Tenant) -> None:
    """Retried, the SDK's action becomes the new one, whose URI it was told; an action that runs is not retried."""
    action = tenant.recorder.record(state="Failed", body='{"a": 1}')
    retried = world.sdk.call("retry", uuid=action["uuid"])
    assert retried["uuid"] != action["uuid"]
    assert (retried["retry_of"], retried["state"], retried["body"]) == (
        action["resource_uri"],
        "In progress",
        '{"a": 1}',
    )
    assert retried["user_agent"] == "python-dockercloud/1.0.12"
    assert retried["dockercloud_action_uri"] == retried["resource_uri"]
    assert attributes(world.sdk.call("resolve", uri=retried["dockercloud_action_uri"])) == attributes(retried)
    with pytest.raises(SdkError, match=r"ApiError: Status 409 .*In progress"):
        world.sdk.call("retry", uuid=retried["uuid"])


def test_short_ids(world: World) -> None:
    """The beginning of an id finds its action; of two an error says so; of none, or a whole one unknown, another."""
    action = world.actions[33]
    assert attributes(world.sdk.call("find", identifier=action["uuid"][:10])) == action
    assert attributes(world.sdk.call("find", identifier=action["uuid"])) == action
    digits = [one["uuid"][0] for one in world.actions]
    with pytest.raises(SdkError, match=r"^NonUniqueIdentifier: "):
        world.sdk.call("find", identifier=max(digits, key=digits.count))
    for unknown in ("00000000-0000-4000-8000-000000000000", "00000000-0000-4000-8"):
        with pytest.raises(SdkError, match=r"^ObjectNotFound: "):
            world.sdk.call("find", identifier=unknown)


def test_what_is_not_there_or_makes_no_sense(world: World) -> None:
    """An unknown action and a wrong filter are an ApiError with the status and the sentence."""
    with pytest.raises(SdkError, match=r"ApiError: Status 404 .*There is no action"):
        world.sdk.call("fetch", uuid="00000000-0000-4000-8000-000000000000")
    with pytest.raises(SdkError, match=r"ApiError: Status 400 .*colour"):
        world.sdk.call("list", colour="red")


def test_what_the_role_may_not(speak: Speaking, tenant: Tenant, world: World) -> None:
    """An auditor's SDK reads, and is told 403 when it would cancel."""
    with speak(**credentials(tenant.auditor)) as sdk:
        assert sdk.call("list") == world.sdk.call("list")
        with pytest.raises(SdkError, match=r"ApiError: Status 403 .*auditor"):
            sdk.call("cancel", uuid=world.actions[0]["uuid"])


def test_a_namespace_in_the_environment(namespaced: Sdk, world: World) -> None:
    """DOCKERCLOUD_NAMESPACE changes nothing for actions: the SDK puts it into the paths of streams only."""
    assert namespaced.call("list", state="Canceled") == [one for one in world.actions if one["state"] == "Canceled"]
    assert attributes(namespaced.call("find", identifier=world.actions[5]["uuid"][:12])) == world.actions[5]


@pytest.mark.parametrize("header", ["ApiKey {user}:{key}", "Bearer {key}"])
def test_an_authorization_of_its_own(speak: Speaking, tenant: Tenant, world: World, header: str) -> None:
    """DOCKERCLOUD_AUTH is sent as it is: older forms are understood."""
    with speak(DOCKERCLOUD_AUTH=header.format(user=tenant.auditor.user, key=tenant.auditor.key)) as sdk:
        assert attributes(sdk.call("fetch", uuid=world.actions[0]["uuid"])) == world.actions[0]


@pytest.mark.parametrize("wrong", ["user", "key", "all"])
def test_401_is_an_error_of_its_own(speak: Speaking, tenant: Tenant, wrong: str) -> None:
    """A wrong user, a wrong key and none: AuthError, whatever is asked."""
    known = credentials(tenant.auditor)
    who = {"user": {**known, "DOCKERCLOUD_USER": "ben"}, "key": {**known, "DOCKERCLOUD_APIKEY": "wrong"}, "all": {}}
    with speak(**who[wrong]) as sdk:
        for call, how in (("list", {}), ("fetch", {"uuid": "00000000-0000-4000-8000-000000000000"})):
            with pytest.raises(SdkError) as raised:
                sdk.call(call, **how)
            assert raised.value.kind == "AuthError"
