"""Logs made up for the tests, and what reading one gives."""

import json
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

from deedbook.domain.commands import AppendOutput, ImportAction, StateParent
from deedbook.domain.events import Caller
from deedbook.web.importing import Item, Unreadable, read

#: A record as a test writes it: any JSON object.
Json = dict[str, Any]

BY = Caller(user="loader", address="192.0.2.1", agent="deedbook load")

#: 2026-03-04T05:06:07Z.
DATE = 1_772_600_767_000_000


def reading(content: bytes | str, name: str = "log.ndjson") -> list[Item | Unreadable]:
    """All that reading a file with this content gives; text is written in UTF-8."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return list(read(path, namespace="harbor", by=BY))


def lines(*records: Json) -> str:
    """Records as NDJSON."""
    return "".join(f"{json.dumps(record)}\n" for record in records)


def actions(found: Iterable[Item | Unreadable]) -> list[ImportAction]:
    """The actions among what was found."""
    return [one.command for one in found if isinstance(one, Item) and isinstance(one.command, ImportAction)]


def relations(found: Iterable[Item | Unreadable]) -> list[tuple[str, str]]:
    """The relationships among what was found: child, parent."""
    stated = [one.command for one in found if isinstance(one, Item) and isinstance(one.command, StateParent)]
    return [(relation.child, relation.parent) for relation in stated]


def appended(found: Iterable[Item | Unreadable]) -> list[AppendOutput]:
    """The output among what was found that is to be appended."""
    return [one.command for one in found if isinstance(one, Item) and isinstance(one.command, AppendOutput)]


def unreadable(found: Iterable[Item | Unreadable]) -> list[Unreadable]:
    """The places that could not be read."""
    return [one for one in found if isinstance(one, Unreadable)]


def only(content: bytes | str, name: str = "log.ndjson") -> ImportAction:
    """The one action in a log that holds nothing unreadable."""
    found = reading(content, name)
    assert not unreadable(found)
    (action,) = actions(found)
    return action


def uuid(number: int) -> str:
    """A version 4 UUID of this number."""
    return str(UUID(int=number, version=4))


def number_of(action: ImportAction) -> int:
    """The number that the id of an action was made of."""
    return action.id.int & 0xFFFF


def trail(number: int = 1, /, **changes: object) -> Json:
    """A CloudTrail record."""
    return {
        "eventVersion": "1.08",
        "userIdentity": {
            "type": "IAMUser",
            "principalId": "AIDA0EXAMPLE",
            "arn": "arn:aws:iam::111122223333:user/ada",
            "accountId": "111122223333",
            "userName": "ada",
        },
        "eventTime": "2026-03-04T05:06:07Z",
        "eventSource": "ec2.amazonaws.com",
        "eventName": "StartInstances",
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "192.0.2.7",
        "userAgent": "aws-cli/2.31",
        "requestParameters": {"instancesSet": {"items": [{"instanceId": "i-0a"}, {"instanceId": "i-0b"}]}},
        "responseElements": None,
        "eventID": uuid(number),
        "readOnly": False,
        "recipientAccountId": "111122223333",
    } | changes


def event(number: int = 1, /, **changes: object) -> Json:
    """A Kubernetes audit event of a request that is over."""
    return {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Metadata",
        "auditID": uuid(number),
        "stage": "ResponseComplete",
        "requestURI": "/api/v1/namespaces/yard/pods/crane?timeout=10s",
        "verb": "get",
        "user": {"username": "ada"},
        "sourceIPs": ["192.0.2.7", "192.0.2.8"],
        "userAgent": "kubectl/v1.35",
        "objectRef": {"resource": "pods", "namespace": "yard", "name": "crane", "apiVersion": "v1"},
        "responseStatus": {"code": 200},
        "requestReceivedTimestamp": "2026-03-04T05:06:07.000001Z",
        "stageTimestamp": "2026-03-04T05:06:07.250000Z",
    } | changes


def own(number: int = 1, /, **changes: object) -> Json:
    """An action as this API lists it."""
    return {
        "resource_uri": f"/api/audit/v1/action/{uuid(number)}/",
        "uuid": uuid(number),
        "object": "/api/app/v1/stack/1/",
        "action": "Stack Deploy",
        "method": "POST",
        "path": "/api/app/v1/stack/1/start/",
        "user": "ada",
        "user_agent": "docker-cloud/1.0.9",
        "start_date": "Wed, 04 Mar 2026 05:06:07 +0000",
        "end_date": "Wed, 04 Mar 2026 05:06:09 +0000",
        "created": "Wed, 04 Mar 2026 05:06:07 +0000",
        "state": "Success",
        "ip": "192.0.2.7",
        "location": "Lisbon, Portugal",
        "is_user_action": True,
        "can_be_canceled": False,
        "can_be_retried": True,
        "body": '{"a": 1}',
        "retry_of": None,
        "parents": ["/api/app/v1/region/1/"],
        "duration": 2.0,
    } | changes


def output(number: int, *texts: object) -> Json:
    """Lines of the output of an action."""
    return {"uuid": uuid(number), "lines": list(texts)}
