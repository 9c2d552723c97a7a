"""Amazon resource names, made of what a request names its object by."""

from typing import Any, NamedTuple

import msgspec
from msgspec import Raw

#: The telling request parameters, the most telling first. One whose value is an ARN is that ARN.
_FORMS = {
    "bucketName": "arn:{partition}:s3:::{value}",
    "roleName": "arn:{partition}:iam::{account}:role/{value}",
    "userName": "arn:{partition}:iam::{account}:user/{value}",
    "policyArn": "{value}",
    "instanceId": "arn:{partition}:ec2:{region}:{account}:instance/{value}",
    "snapshotId": "arn:{partition}:ec2:{region}:{account}:snapshot/{value}",
    "volumeId": "arn:{partition}:ec2:{region}:{account}:volume/{value}",
    "imageId": "arn:{partition}:ec2:{region}:{account}:image/{value}",
    "groupId": "arn:{partition}:ec2:{region}:{account}:security-group/{value}",
    "subnetId": "arn:{partition}:ec2:{region}:{account}:subnet/{value}",
    "vpcId": "arn:{partition}:ec2:{region}:{account}:vpc/{value}",
    "functionName": "arn:{partition}:lambda:{region}:{account}:function:{value}",
    "tableName": "arn:{partition}:dynamodb:{region}:{account}:table/{value}",
    "secretId": "arn:{partition}:secretsmanager:{region}:{account}:secret:{value}",
    "trailName": "arn:{partition}:cloudtrail:{region}:{account}:trail/{value}",
    "name": "arn:{partition}:{service}:{region}:{account}:{kind}{value}",
}

#: What a plain `name` is the name of.
_KINDS = {
    "cloudtrail": "trail/",
    "eks": "cluster/",
    "secretsmanager": "secret:",
    "ssm": "parameter/",
}
_PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}

_PARAMETERS = msgspec.json.Decoder(
    # A parameter that is no text, such as a list of names, tells nothing.
    msgspec.defstruct("Parameters", [(name, Any, None) for name in _FORMS])
)


class Place(NamedTuple):
    """Where a request was made: the service it went to, its region and account."""

    service: str
    region: str
    account: str


def arn_of(parameters: Raw, place: Place) -> str:
    """The ARN of what `parameters` (JSON text) are about, `""` when they don't tell."""
    try:
        told = _PARAMETERS.decode(parameters)
    except msgspec.ValidationError:
        return ""
    for value, form in zip(msgspec.structs.astuple(told), _FORMS.values(), strict=True):
        if isinstance(value, str) and value:
            return value if value.startswith("arn:") else _made(form, value, place)
    return ""


def _made(form: str, value: str, place: Place) -> str:
    return form.format(
        # A parameter's name begins with a slash of its own.
        value=value.lstrip("/"),
        kind=_KINDS.get(place.service, ""),
        partition=_partition(place.region),
        **place._asdict(),
    )


def _partition(region: str) -> str:
    """The part of AWS that a region belongs to."""
    return next((name for prefix, name in _PARTITIONS.items() if region.startswith(prefix)), "aws")
