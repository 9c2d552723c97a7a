"""CloudTrail records become actions."""

import json

import pytest

from deedbook.domain.commands import ImportAction
from deedbook.domain.lifecycle import State
from tests.web.importing.logs import BY, DATE, actions, lines, only, reading, relations, trail, unreadable, uuid

REGION = "/aws/account/111122223333/region/eu-west-1/"
ACCOUNT = "/aws/account/111122223333/"


def mapped(**changes: object) -> ImportAction:
    """The action that a record with these changes becomes."""
    return only(lines(trail(**changes)))


def test_every_field() -> None:
    """A record gives every field of its action, the request as compact JSON, and nothing that could be done now."""
    action = mapped()
    assert action == ImportAction(
        id=action.id,
        namespace="harbor",
        by=BY,
        action="StartInstances",
        method="POST",
        path="/ec2/StartInstances",
        state=State.SUCCESS,
        created=DATE,
        start=DATE,
        end=DATE,
        object="",
        parents=(REGION, ACCOUNT),
        body='{"instancesSet":{"items":[{"instanceId":"i-0a"},{"instanceId":"i-0b"}]}}',
        user="ada",
        user_agent="aws-cli/2.31",
        ip="192.0.2.7",
        location="unknown",
        is_user_action=True,
        can_be_canceled=False,
        can_be_retried=False,
    )
    assert str(action.id) == uuid(1)


def test_region_is_stated_below_its_account_once() -> None:
    """The relationship of a region comes before the first action in it, and not again."""
    found = reading(lines(trail(1), trail(2), trail(3, awsRegion="us-east-1")))
    assert relations(found) == [(REGION, ACCOUNT), (f"{ACCOUNT}region/us-east-1/", ACCOUNT)]
    assert [one.line for one in found] == [1, 1, 2, 3, 3]


@pytest.mark.parametrize(
    ("name", "read_only", "method"),
    [
        ("DescribeInstances", True, "GET"),
        ("AssumeRole", True, "GET"),
        ("AssumeRole", False, "POST"),
        ("DeleteBucket", False, "DELETE"),
        ("TerminateInstances", False, "DELETE"),
        ("RemoveTags", None, "DELETE"),
        ("PutObject", False, "PATCH"),
        ("UpdateRole", None, "PATCH"),
        ("ModifyVpc", False, "PATCH"),
        ("GetObject", None, "GET"),
        ("ListBuckets", None, "GET"),
        ("DescribeTrails", None, "GET"),
        ("GetFederationToken", False, "POST"),
        ("DeleteBucket", True, "GET"),
    ],
)
def test_method(name: str, read_only: bool | None, method: str) -> None:  # noqa: FBT001  # as the record has it
    """The method follows `readOnly`, and where that says nothing the name."""
    assert mapped(eventName=name, readOnly=read_only).method == method


@pytest.mark.parametrize(
    ("parameters", "service", "arn"),
    [
        ({"bucketName": "crates"}, "s3", "arn:aws:s3:::crates"),
        ({"roleName": "crane"}, "iam", "arn:aws:iam::111122223333:role/crane"),
        ({"instanceId": "i-0a"}, "ec2", "arn:aws:ec2:eu-west-1:111122223333:instance/i-0a"),
        (
            {"policyArn": "arn:aws:iam::aws:policy/P", "roleName": "crane"},
            "iam",
            "arn:aws:iam::111122223333:role/crane",
        ),
        ({"policyArn": "arn:aws:iam::aws:policy/P"}, "iam", "arn:aws:iam::aws:policy/P"),
        ({"secretId": "arn:aws:secretsmanager:x"}, "secretsmanager", "arn:aws:secretsmanager:x"),
        ({"name": "watch"}, "cloudtrail", "arn:aws:cloudtrail:eu-west-1:111122223333:trail/watch"),
        ({"name": "/db/key"}, "ssm", "arn:aws:ssm:eu-west-1:111122223333:parameter/db/key"),
        ({"name": "alarms"}, "sns", "arn:aws:sns:eu-west-1:111122223333:alarms"),
        ({"bucketName": ["a", "b"], "roleName": ""}, "s3", ""),
        ({"maxResults": 5}, "ec2", ""),
        (None, "ec2", ""),
    ],
)
def test_object_of_parameters(parameters: object, service: str, arn: str) -> None:
    """Without resources, the most telling parameter names the object."""
    assert mapped(requestParameters=parameters, eventSource=f"{service}.amazonaws.com").object == arn


def test_object_of_resources() -> None:
    """The first ARN among the resources is the object, whatever the parameters say."""
    resources = [{"type": "AWS::S3::Object", "ARNPrefix": "arn:aws:s3:::x/"}, {"ARN": "arn:aws:s3:::crates"}]
    assert mapped(resources=resources, requestParameters={"roleName": "crane"}).object == "arn:aws:s3:::crates"


def test_partition_of_region() -> None:
    """An ARN that is made names the part of AWS that its region belongs to."""
    action = mapped(awsRegion="cn-north-1", requestParameters={"instanceId": "i-0a"})
    assert action.object == "arn:aws-cn:ec2:cn-north-1:111122223333:instance/i-0a"


@pytest.mark.parametrize(
    ("identity", "user", "is_user"),
    [
        ({"type": "IAMUser", "userName": "ada", "arn": "arn:aws:iam::1:user/ada"}, "ada", True),
        ({"type": "AssumedRole", "arn": "arn:aws:sts::1:assumed-role/crane/ada"}, "crane/ada", True),
        (
            {
                "type": "AssumedRole",
                "principalId": "AROA0:ada",
                "sessionContext": {"sessionIssuer": {"userName": "crane"}},
            },
            "crane/ada",
            True,
        ),
        ({"type": "Root", "arn": "arn:aws:iam::1:root"}, "arn:aws:iam::1:root", True),
        ({"type": "AWSAccount", "principalId": "AIDA0"}, "AIDA0", True),
        ({"type": "AWSService", "invokedBy": "ec2.amazonaws.com"}, "ec2.amazonaws.com", False),
        ({"type": "IAMUser", "userName": "ada", "invokedBy": "AWS Internal"}, "ada", False),
        (None, None, False),
    ],
)
def test_identity(identity: object, user: str | None, is_user: bool) -> None:  # noqa: FBT001  # what is expected
    """The user is the most telling name of the identity; a service, or whoever one acts for, is no user."""
    action = mapped(userIdentity=identity)
    assert (action.user, action.is_user_action) == (user, is_user)


@pytest.mark.parametrize(
    ("source", "ip"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8::9", "2001:db8::9"),
        ("ec2.amazonaws.com", None),
        ("AWS Internal", None),
        ("300.1.2.3", None),
        (None, None),
    ],
)
def test_address(source: str | None, ip: str | None) -> None:
    """Only an address is one."""
    assert mapped(sourceIPAddress=source).ip == ip


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"errorCode": "AccessDenied"}, State.FAILED),
        ({"eventName": "ConsoleLogin", "responseElements": {"ConsoleLogin": "Failure"}}, State.FAILED),
        ({"eventName": "ConsoleLogin", "responseElements": {"ConsoleLogin": "Success"}}, State.SUCCESS),
        ({"eventName": "ConsoleLogin"}, State.SUCCESS),
    ],
)
def test_state(changes: dict[str, object], state: State) -> None:
    """A call failed with an error code, and a login also without one."""
    assert mapped(**changes).state is state


def test_body() -> None:
    """The body is what was sent, without the space between; no parameters are no body."""
    text = json.dumps(trail(requestParameters={"weight": 1.50, "name": "Kräne"}), ensure_ascii=False, indent=2)
    assert only(text.replace("1.5", "1.50")).body == '{"weight":1.50,"name":"Kräne"}'
    assert mapped(requestParameters=None).body is None


def test_looked_up_events() -> None:
    """What `lookup-events` prints, whole or a line each, gives what the records give."""
    records = [trail(1), trail(2)]
    events = [{"EventName": "StartInstances", "CloudTrailEvent": json.dumps(record)} for record in records]
    assert reading(lines(*events)) == reading(lines(*records))
    assert reading(json.dumps({"Events": events, "NextToken": "x"}, indent=4)) == reading(lines(*records))


def test_other_ids() -> None:
    """An id that is no version 4 UUID gives one that is, always the same, and another for another."""
    texts = ["Root-1", "0d4f9bd2-3d6c-11f0-9b1c-325096b39f47"]
    found = [mapped(eventID=text).id for text in (*texts, *texts)]
    assert found[:2] == found[2:]
    assert len({*found}) == 2
    assert {one.version for one in found} == {4}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"eventTime": "2026-02-30T00:00:00Z"}, "no date that there is"),
        ({"eventName": 7}, "expected `str`, got `int`"),
        ({"eventID": None}, "expected `str`, got `null`"),
    ],
)
def test_a_wrong_record(changes: dict[str, object], reason: str) -> None:
    """A record that can't be an action is reported with its line and reason, and the others are read."""
    found = reading(lines(trail(1), trail(2, **changes), trail(3)))
    (bad,) = unreadable(found)
    assert bad.line == 2
    assert bad.reason.startswith("This CloudTrail record can't be read: ")
    assert reason in bad.reason
    assert len(actions(found)) == 2
