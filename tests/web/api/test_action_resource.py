"""The action resource: which keys it has, of which types, and what they hold."""

import re
from types import NoneType
from uuid import UUID

import pytest

from tests.web.api.callers import Caller, Json, Tenant

#: Every key, and what its value may be.
KEYS: dict[str, tuple[type, ...]] = {
    "resource_uri": (str,),
    "uuid": (str,),
    "object": (str,),
    "action": (str,),
    "method": (str,),
    "path": (str,),
    "user": (str, NoneType),
    "user_agent": (str, NoneType),
    "start_date": (str, NoneType),
    "end_date": (str, NoneType),
    "created": (str,),
    "state": (str,),
    "ip": (str, NoneType),
    "location": (str, NoneType),
    "is_user_action": (bool,),
    "can_be_canceled": (bool,),
    "can_be_retried": (bool,),
    "body": (str, NoneType),
    "retry_of": (str, NoneType),
    "parents": (list,),
    "duration": (int, float, NoneType),
}

FULL = {
    "state": "Failed",
    "object": "/api/app/v1/service/v/",
    "parents": ["/api/app/v1/stack/s/"],
    "body": '{"containers": 3}',
    "user": "ann",
    "user_agent": "docker-cloud/1.0.9",
    "ip": "203.0.113.7",
    "location": "New York, USA",
    "is_user_action": False,
    "start_date": "2014-09-17T08:26:22.25Z",
    "end_date": "2014-09-17T08:26:23.5Z",
    "can_be_canceled": False,
    "can_be_retried": False,
}
NULLS = dict.fromkeys(("user", "user_agent", "ip", "location", "body", "start_date", "end_date"))

KINDS = {
    "with all that can be given": FULL,
    "with the least": {},
    "with nulls": NULLS,
    "running": {"state": "In progress"},
}

RFC_1123 = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d \+0000")


def waiting(recorder: Caller, **fields: object) -> Json:
    """Return an action that is Pending, since another one runs on its object."""
    recorder.record(state="In progress", object="/o")
    return recorder.record(state="Pending", object="/o", **fields)


def assert_complete(action: Json) -> None:
    """Every key is there, no other is, and each holds what it may."""
    assert set(action) == set(KEYS)
    wrong = {key for key, types in KEYS.items() if type(action[key]) not in types}
    assert wrong == set()


@pytest.mark.parametrize("fields", KINDS.values(), ids=KINDS.keys())
def test_every_key_is_always_there(recorder: Caller, fields: Json) -> None:
    """The answer to a recording, the detail and the list show the same: every key and no other, of its type."""
    made = recorder.record(**fields)
    assert_complete(made)
    assert recorder.fetch(made) == made
    assert recorder.listed() == [made]


def test_every_key_is_there_while_it_waits(recorder: Caller) -> None:
    """A Pending action too shows every key, in its detail as in the list."""
    made = waiting(recorder)
    assert_complete(made)
    assert made in recorder.listed()
    assert recorder.fetch(made) == made


def test_what_was_given_is_shown(recorder: Caller) -> None:
    """Each field that a recorder gave is shown as it was given, but for dates, which are shown in one form."""
    made = recorder.record(**FULL)
    dates = {"start_date": "Wed, 17 Sep 2014 08:26:22 +0000", "end_date": "Wed, 17 Sep 2014 08:26:23 +0000"}
    assert {key: made[key] for key in FULL} == {**FULL, **dates}


def test_the_uri_is_relative_with_a_trailing_slash(tenant: Tenant) -> None:
    """`resource_uri` is the action's path, also when it was recorded through a path with a namespace."""
    for root in ("", f"/{tenant.namespace}"):
        made = Caller(tenant.http, tenant.recorder.user, tenant.recorder.key, root).record()
        assert made["resource_uri"] == f"/api/audit/v1/action/{made['uuid']}/"


def test_an_id_is_a_uuid_of_version_4(recorder: Caller) -> None:
    """Clients take any other version for an abbreviation; and no two are the same."""
    made = recorder.batch(*[{}] * 20)
    assert {UUID(action["uuid"]).version for action in made} == {4}
    assert len({action["uuid"] for action in made}) == 20
    assert all(action["uuid"] == str(UUID(action["uuid"])) for action in made)


def test_no_object_is_an_empty_string(recorder: Caller) -> None:
    """`object` is never null."""
    assert recorder.record()["object"] == ""


@pytest.mark.parametrize(
    "given",
    [
        "2014-09-17T08:26:22Z",
        "2014-09-17T08:26:22.999999Z",
        "2014-09-17T10:26:22+02:00",
        "2014-09-17 03:56:22 -0430",
        "Wed, 17 Sep 2014 08:26:22 +0000",
        "Wed, 17 Sep 2014 08:26:22 GMT",
        "Wed, 17 Sep 2014 10:26:22 +0200",
    ],
)
def test_dates_are_shown_in_one_form(recorder: Caller, given: str) -> None:
    """A date given in any accepted form is shown as RFC 1123 with +0000, and `created` is the same."""
    made = recorder.record(start_date=given)
    assert made["start_date"] == made["created"] == "Wed, 17 Sep 2014 08:26:22 +0000"


def test_dates_that_the_server_sets_have_that_form_too(recorder: Caller) -> None:
    """A start, an end and a creation of now are RFC 1123 with +0000."""
    made = recorder.record()
    for key in ("start_date", "end_date", "created"):
        assert RFC_1123.fullmatch(made[key])


def test_what_waits_has_no_start_and_keeps_its_creation(recorder: Caller, operator: Caller) -> None:
    """`start_date` is null while Pending and set by the start; `created` stays when the call was made."""
    runs = recorder.record(state="In progress", object="/o")
    waits = recorder.record(state="Pending", object="/o")
    assert (waits["state"], waits["start_date"], waits["end_date"]) == ("Pending", None, None)
    operator.act(runs, "finish", {"state": "Success"})
    started = recorder.fetch(waits)
    assert (started["state"], started["end_date"]) == ("In progress", None)
    assert RFC_1123.fullmatch(started["start_date"])
    assert started["created"] == waits["created"]


def test_created_is_the_start_of_what_did_not_wait(recorder: Caller) -> None:
    """Also of what runs since some time."""
    made = recorder.record(state="In progress", start_date="2014-09-17T08:26:22Z")
    assert made["created"] == made["start_date"] == "Wed, 17 Sep 2014 08:26:22 +0000"


@pytest.mark.parametrize(
    ("start", "end", "seconds"),
    [
        ("2014-09-17T08:26:22.25Z", "2014-09-17T08:26:23.5Z", 1.25),
        ("2014-09-17T08:26:22Z", "2014-09-17T08:26:22.000001Z", 0.000001),
        ("2014-09-17T08:26:22Z", "2014-09-17T08:26:22Z", 0),
        ("2014-09-16T08:26:22Z", "2014-09-17T08:26:22Z", 86400),
    ],
)
def test_duration_is_in_seconds_with_fractions(recorder: Caller, start: str, end: str, seconds: float) -> None:
    """From start to end, to the microsecond."""
    made = recorder.record(start_date=start, end_date=end)
    assert made["duration"] == recorder.fetch(made)["duration"] == seconds


def test_duration_is_null_until_it_ended(recorder: Caller) -> None:
    """What runs has an end and a duration only once it is finished."""
    made = recorder.record(state="In progress", start_date="2014-09-17T08:26:22Z")
    assert (made["end_date"], made["duration"]) == (None, None)
    ended = recorder.act(made, "finish", {"state": "Success"})
    assert RFC_1123.fullmatch(ended["end_date"])
    assert ended["duration"] > 0


@pytest.mark.parametrize(
    "body", ["", '{"name": "web", "n": 1}', "no JSON: {", "Grüße, 世界 🌍", "nul \0, tab \t, line\r\n"]
)
def test_a_body_is_the_string_that_was_sent(recorder: Caller, body: str) -> None:
    """Whatever it holds, it stays a string and stays as it is."""
    made = recorder.record(body=body)
    assert made["body"] == recorder.fetch(made)["body"] == recorder.listed()[0]["body"] == body


@pytest.mark.parametrize(
    ("body", "is_listed"),
    [("x" * 4096, True), ("x" * 4097, False), ("é" * 2048, True), ("é" * 2049, False), ("x" * 200_000, False)],
    ids=["4096 bytes", "4097 bytes", "4096 bytes in 2048 characters", "4098 bytes in 2049 characters", "200 kB"],
)
def test_a_body_over_4_kib_is_null_in_lists_and_whole_in_details(
    recorder: Caller, body: str, *, is_listed: bool
) -> None:
    """Also after the action went on."""
    made = recorder.record(body=body, state="In progress")
    for _ in range(2):
        assert recorder.listed()[0]["body"] == (body if is_listed else None)
        assert recorder.fetch(made)["body"] == body
        if recorder.fetch(made)["state"] == "In progress":
            recorder.act(made, "finish", {"state": "Success"})
    assert made["body"] == body


def test_a_retry_names_the_action_that_it_retries(recorder: Caller, operator: Caller) -> None:
    """`retry_of` is that one's resource URI; null for what is no retry."""
    made = recorder.record()
    assert made["retry_of"] is None
    assert operator.act(made, "retry")["retry_of"] == made["resource_uri"]


def test_parents_are_all_objects_above_nearest_first(recorder: Caller) -> None:
    """Not only those directly above; and none where nothing is above."""
    recorder.relate("/stack", "/service")
    recorder.relate("/region", "/stack")
    made = recorder.record(object="/container", parents=["/service"])
    assert made["parents"] == ["/service", "/stack", "/region"]
    assert recorder.record(object="/region")["parents"] == []


def test_parents_tell_what_held_at_the_time(recorder: Caller) -> None:
    """An object that moved changes no action of before."""
    recorder.relate("/old", "/o")
    before = recorder.record(object="/o")
    recorder.unrelate("/old", "/o")
    recorder.relate("/new", "/o")
    after = recorder.record(object="/o")
    assert recorder.fetch(before)["parents"] == ["/old"]
    assert recorder.fetch(after)["parents"] == ["/new"]
