"""AWS CloudTrail records to actions."""

from functools import lru_cache
from ipaddress import ip_address

import msgspec
from msgspec import Raw, Struct, field

from deedbook.domain.commands import ImportAction
from deedbook.domain.lifecycle import State
from deedbook.web.dates import parse_date
from deedbook.web.importing.arns import Place, arn_of
from deedbook.web.importing.compact import NULL, as_body
from deedbook.web.importing.ids import action_id
from deedbook.web.importing.items import UNKNOWN, Item, Owner
from deedbook.web.importing.relations import Relations

_METHODS = {
    "Delete": "DELETE",
    "Terminate": "DELETE",
    "Remove": "DELETE",
    "Put": "PATCH",
    "Update": "PATCH",
    "Modify": "PATCH",
}
_READING = ("Get", "List", "Describe")


class _Issuer(Struct, rename="camel"):
    user_name: str | None = None


class _Session(Struct, rename="camel"):
    session_issuer: _Issuer | None = None


class _Identity(Struct, rename="camel"):
    type: str | None = None
    user_name: str | None = None
    arn: str | None = None
    principal_id: str | None = None
    invoked_by: str | None = None
    account_id: str | None = None
    session_context: _Session | None = None


class _Resource(Struct):
    arn: str | None = field(default=None, name="ARN")


class _Login(Struct):
    result: str | None = field(default=None, name="ConsoleLogin")


class _Record(Struct, rename="camel"):
    """What an action takes from a record; CloudTrail's other keys are passed over."""

    event_name: str
    event_source: str
    event_time: str
    event_id: str = field(name="eventID")
    read_only: bool | str | None = None
    aws_region: str | None = None
    source_ip_address: str | None = field(default=None, name="sourceIPAddress")
    user_agent: str | None = None
    error_code: str | None = None
    recipient_account_id: str | None = None
    user_identity: _Identity | None = None
    resources: list[_Resource] | None = None
    request_parameters: Raw = NULL
    response_elements: Raw = NULL


class _Lookup(Struct):
    """An event as `aws cloudtrail lookup-events` prints it: the record is JSON in a string."""

    record: str = field(name="CloudTrailEvent")


_RECORD = msgspec.json.Decoder(_Record)
_LOOKUP = msgspec.json.Decoder(_Lookup)
_LOGIN: msgspec.json.Decoder[_Login | None] = msgspec.json.Decoder(_Login | None)


#: Of a record that says nobody.
_NOBODY = _Identity()


class CloudTrail:
    """Reads records. Each is an action by itself: a record that comes again is the same action again."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._relations = Relations(owner)

    def lookup(self, text: bytes | Raw, line: int) -> list[Item]:
        """What to do for an event that was looked up."""
        return self.record(_LOOKUP.decode(text).record.encode(), line)

    def record(self, text: bytes | Raw, line: int) -> list[Item]:
        """What to do for a record: state the relationship of its region, import its action."""
        action = self._action(_RECORD.decode(text))
        return [*self._relations.among(action.parents, line), Item(line, action)]

    def _action(self, record: _Record) -> ImportAction:
        identity = record.user_identity or _NOBODY
        place = Place(
            record.event_source.removesuffix(".amazonaws.com"),
            record.aws_region or "",
            record.recipient_account_id or identity.account_id or "",
        )
        date = parse_date(record.event_time)
        return ImportAction(
            id=action_id(record.event_id),
            namespace=self._owner.namespace,
            by=self._owner.by,
            action=record.event_name,
            method=_method(record.event_name, record.read_only),
            path=f"/{place.service}/{record.event_name}",
            state=State.FAILED if _failed(record) else State.SUCCESS,
            created=date,
            start=date,
            end=date,
            object=_object(record, place),
            parents=_parents(place.account, place.region),
            body=as_body(record.request_parameters),
            user=_user(identity),
            user_agent=record.user_agent,
            ip=_address(record.source_ip_address),
            location=UNKNOWN,
            is_user_action=_is_user(identity),
            can_be_canceled=False,
            can_be_retried=False,
        )


def _failed(record: _Record) -> bool:
    if record.event_name == "ConsoleLogin":
        login = _LOGIN.decode(record.response_elements)
        return bool(record.error_code) or (login is not None and login.result == "Failure")
    return bool(record.error_code)


def _object(record: _Record, place: Place) -> str:
    named = (resource.arn for resource in record.resources or () if resource.arn)
    return next(named, None) or arn_of(record.request_parameters, place)


@lru_cache(maxsize=1024)
def _method(name: str, read_only: bool | str | None) -> str:  # noqa: FBT001  # as the record has it
    if read_only in (True, "true") or (read_only is None and name.startswith(_READING)):
        return "GET"
    return next((method for verb, method in _METHODS.items() if name.startswith(verb)), "POST")


@lru_cache(maxsize=1024)
def _parents(account: str, region: str) -> tuple[str, ...]:
    if not account:
        return ()
    above = f"/aws/account/{account}/"
    return (f"{above}region/{region}/", above) if region else (above,)


def _user(identity: _Identity) -> str | None:
    return (
        identity.user_name
        or _role_and_session(identity)
        or identity.arn
        or identity.invoked_by
        or identity.principal_id
    )


def _role_and_session(identity: _Identity) -> str | None:
    """`role/session` of an assumed role, which is how its ARN ends."""
    named = (identity.arn or "").partition(":assumed-role/")[2]
    if named or identity.session_context is None or identity.session_context.session_issuer is None:
        return named
    role = identity.session_context.session_issuer.user_name
    session = (identity.principal_id or "").partition(":")[2]
    return f"{role}/{session}" if role and session else role


def _is_user(identity: _Identity) -> bool:
    """Whether neither an AWS service made the call, nor one did for somebody."""
    return identity != _NOBODY and identity.type != "AWSService" and not identity.invoked_by


@lru_cache(maxsize=4096)
def _address(source: str | None) -> str | None:
    """The address that a call came from; a service's name in its place is none."""
    try:
        ip_address(source or "")
    except ValueError:
        return None
    return source
