"""Drives a deployment of Deedbook over HTTP, by its URL and an admin's key: what `deedbook check` checks.

It knows the API and nothing of the server that answers.
"""

import base64
import json
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, NoReturn, Self
from urllib.parse import quote
from uuid import UUID

import httpx
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from deedbook.domain.commands import AppendOutput, EndParent, Finish, RecordAction, RequestCancel, Retry, StateParent
from deedbook.domain.lifecycle import State
from deedbook.domain.results import Command
from deedbook.domain.testing import Answer, CutOff, NoAnswer, Outcome, Page, Question, Seen

#: How each outcome is answered.
STATUS = {
    Outcome.DONE: 200,
    Outcome.MADE: 201,
    Outcome.BEGUN: 202,
    Outcome.UNKNOWN: 404,
    Outcome.REFUSED: 409,
    Outcome.MISMATCH: 422,
}
_OUTCOMES = {status: outcome for outcome, status in STATUS.items()}

#: "Not now": a queue or views that are full or behind, a server that stops, a proxy that finds none, too many requests.
_NOT_NOW = frozenset({429, 502, 503, 504})
_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _UPGRADE = 401, 403, 404, 426

#: What reads is asked again for so many seconds; what changes something is not, since it may have been done.
PATIENCE = 10.0
_PAUSE = 0.25

#: An idle connection is not used again after so many seconds: servers close them too, uvicorn after five.
_IDLE = 2.0

#: So many stories may be cut off by a server that still answers; then it is called one that went away.
_CUT_OFF = 20

#: What reading a body that is JSON gives.
Json = dict[str, Any]


class OverHttp:
    """A deployment, as the machine drives it; `user` is the one that the key was issued to, None where it is not known.

    Raises `NoAnswer` where it can't be reached, the key is not an admin's, or it went away in the middle.
    """

    def __init__(self, url: str, key: str, user: str | None = None) -> None:
        self._url = url.rstrip("/")
        self._authorization = f"Bearer {key}" if user is None else f"Basic {_basic(user, key)}"
        self._client = httpx.Client(
            timeout=30.0,
            limits=httpx.Limits(keepalive_expiry=_IDLE),
            headers={"User-Agent": "deedbook check", "Authorization": self._authorization},
        )
        self.user = user
        self.run = f"check-{secrets.token_hex(4)}"
        self._stories = 0
        self._cut_off = 0
        self._may_tell_history = True
        self._may_replay = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def begin(self) -> None:
        """Make sure that the deployment can be checked: it answers, and the key may do everything."""
        answer = self._read("", "/key/", {})
        if answer.status_code != httpx.codes.OK or not isinstance(_json(answer).get("objects"), list):
            raise NoAnswer(f"{self._url} is no Deedbook: asked for its keys it answers {_told(answer)}.")

    def fresh(self) -> tuple[str, str]:
        """See `Driver.fresh`."""
        self._stories += 1
        return f"{self.run}.{self._stories}", f"{self.run}.{self._stories}.other"

    def perform(self, command: Command, key: str | None = None) -> Answer:
        """See `Driver.perform`."""
        method, path, body = _REQUESTS[type(command)](command)
        answer = self._change(str(getattr(command, "namespace", "")), method, path, body, key)
        return _answer(answer.status_code, _json(answer), _told(answer))

    def perform_all(self, commands: Sequence[tuple[RecordAction, str | None]]) -> Sequence[Answer]:
        """See `Driver.perform_all`."""
        lines = [_recording(command) | ({} if key is None else {"idempotency_key": key}) for command, key in commands]
        answer = self._change(commands[0][0].namespace, "POST", "/action/", lines, None)
        if answer.status_code != httpx.codes.OK:
            return [_answer(answer.status_code, _json(answer), _told(answer))] * len(commands)
        found = [json.loads(line) for line in answer.text.splitlines() if line]
        return [_answer(line["status"], line.get("action") or line, _worded(line["status"], line)) for line in found]

    def one(self, namespace: str, action: UUID) -> Seen | None:
        """See `Driver.one`."""
        answer = self._read(namespace, f"/action/{action}/", {})
        return None if answer.status_code == _NOT_FOUND else seen_in(_ok(answer))

    def page(self, namespace: str, question: Question) -> Page:
        """See `Driver.page`."""
        page = _ok(self._read(namespace, "/action/", _parameters(question)))
        meta = page["meta"]
        return Page([seen_in(one) for one in page["objects"]], meta["total_count"], meta["next"] is not None)

    def output(self, namespace: str, action: UUID) -> Sequence[str]:
        """See `Driver.output`."""
        path = f"/action/{action}/logs/"
        if self._may_replay:
            answer = self._read(namespace, path, {"after": "0"}, accept="application/x-ndjson")
            if answer.status_code != _UPGRADE:
                _ok(answer, is_json=False)
                return [json.loads(line)["log"] for line in answer.text.split("\n") if line]
            self._may_replay = False
        return self._streamed(namespace, path)

    def history(self, namespace: str, action: UUID) -> Sequence[str] | None:
        """See `Driver.history`; None where the deployment is older than that path."""
        if not self._may_tell_history:
            return None
        answer = self._read(namespace, f"/action/{action}/history/", {})
        if answer.status_code == _NOT_FOUND and "There is no path" in answer.text:
            self._may_tell_history = False
            return None
        return [event["event"].partition("/")[0] for event in _ok(answer)["objects"]]

    def word(self, outcome: Outcome) -> str:
        """See `Driver.word`."""
        return str(STATUS[outcome])

    def _change(self, namespace: str, method: str, path: str, body: object, key: str | None) -> httpx.Response:
        """Ask for a change once. Cut off, it may have been done or not, so the story is given up and told anew."""
        content, kind = _content(body)
        headers = {"Content-Type": kind} | ({} if key is None else {"Idempotency-Key": key})
        try:
            answer = self._client.request(method, self._address(namespace, path), content=content, headers=headers)
        except httpx.ConnectError as error:
            raise self._gone(error) from error
        except httpx.TransportError as error:
            self._give_up(error)
        except httpx.InvalidURL as error:
            raise NoAnswer(f"{self._url} is no URL: {error}.") from error
        if answer.status_code in _NOT_NOW:
            self._give_up(_told(answer))
        return self._allowed(answer)

    def _give_up(self, reason: object) -> NoReturn:
        """End the story without a verdict where the server answers again, the check where it does not."""
        self._cut_off += 1
        if self._cut_off > _CUT_OFF:
            raise self._gone(f"it cut off {_CUT_OFF} requests; the last: {reason}")
        # Whatever it answers: it is there.
        self._ask(f"{self._url}/health", {}, "application/json")
        raise CutOff

    def _read(
        self, namespace: str, path: str, parameters: Mapping[str, str | list[str]], accept: str = "application/json"
    ) -> httpx.Response:
        """Ask until there is an answer, for some seconds."""
        return self._allowed(self._ask(self._address(namespace, path), parameters, accept))

    def _ask(self, address: str, parameters: Mapping[str, str | list[str]], accept: str) -> httpx.Response:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                answer = self._client.get(address, params=parameters, headers={"Accept": accept})
            except httpx.ConnectError as error:
                raise self._gone(error) from error
            except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
                raise NoAnswer(f"{self._url} is no URL of a server: {error}") from error
            except httpx.TransportError as error:
                if time.monotonic() > deadline:
                    raise self._gone(error) from error
            else:
                if answer.status_code not in _NOT_NOW:
                    return answer
                if time.monotonic() > deadline:
                    raise self._gone(_told(answer))
            time.sleep(_PAUSE)

    def _allowed(self, answer: httpx.Response) -> httpx.Response:
        """Return an answer, but for one that is about the key."""
        if answer.status_code == _UNAUTHORIZED:
            whose = "" if self.user is None else f" as {self.user}'s"
            raise NoAnswer(f"{self._url} does not take this key{whose} ({_told(answer)}); give an admin's.")
        if answer.status_code == _FORBIDDEN:
            raise NoAnswer(f"Checking needs an admin's key, for namespaces of its own ({_told(answer)}).")
        return answer

    def _streamed(self, namespace: str, path: str) -> list[str]:
        """Read the output as a stream that ends behind its last line."""
        address = f"{self._address(namespace, path).replace('http', 'ws', 1)}?follow=false&after=0"
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                with connect(address, additional_headers={"Authorization": self._authorization}, proxy=None) as stream:
                    return [json.loads(frame)["log"] for frame in stream]
            except ConnectionRefusedError as error:
                raise self._gone(error) from error
            except (OSError, EOFError, WebSocketException) as error:
                if time.monotonic() > deadline:
                    raise self._gone(error) from error
            time.sleep(_PAUSE)

    def _address(self, namespace: str, path: str) -> str:
        return f"{self._url}/api/audit/v1{f'/{quote(namespace)}' if namespace else ''}{path}"

    def _gone(self, reason: object) -> NoAnswer:
        if self._stories:
            return NoAnswer(f"{self._url} went away in story {self._stories} ({reason}); nothing is said about it.")
        return NoAnswer(f"{self._url} does not answer ({reason}).")


def _basic(user: str, key: str) -> str:
    return base64.b64encode(f"{user}:{key}".encode()).decode()


def seen_in(document: Json) -> Seen:
    """Return the action that a JSON document of the API shows."""
    names = ("action", "method", "path", "object", "user", "ip", "is_user_action", "body", "can_be_canceled",
             "can_be_retried")  # fmt: skip
    retry_of = document["retry_of"]
    return Seen(
        id=UUID(document["uuid"]),
        parents=tuple(document["parents"]),
        retry_of=None if retry_of is None else UUID(retry_of.rstrip("/").rpartition("/")[2]),
        state=State(document["state"]),
        created=_seconds(document["created"]),
        start=None if document["start_date"] is None else _seconds(document["start_date"]),
        end=None if document["end_date"] is None else _seconds(document["end_date"]),
        **{name: document[name] for name in names},
    )


def _seconds(date: str) -> int:
    return int(parsedate_to_datetime(date).timestamp())


def _iso8601(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _content(body: object) -> tuple[bytes, str]:
    if isinstance(body, list):
        return b"".join(json.dumps(line).encode() + b"\n" for line in body), "application/x-ndjson"
    return b"" if body is None else json.dumps(body).encode(), "application/json"


def _json(answer: httpx.Response) -> Json:
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _ok(answer: httpx.Response, *, is_json: bool = True) -> Json:
    """Return the body of a 200; anything else is not what a reader is to be answered."""
    if answer.status_code != httpx.codes.OK:
        raise ValueError(f"the answer {_told(answer)}")
    return _json(answer) if is_json else {}


def _told(answer: httpx.Response) -> str:
    return _worded(answer.status_code, _json(answer))


def _worded(status: int, body: Json) -> str:
    if "error" in body:
        return f'{status} "{body["error"]}"' if status not in _OUTCOMES else f"{status}"
    found = body.get("action") if isinstance(body.get("action"), dict) else body
    state = found.get("state") if isinstance(found, dict) else None
    return f"{status}, {state}" if state else f"{status}"


def _answer(status: int, body: Json, words: str) -> Answer:
    action = seen_in(body) if "uuid" in body else None
    return Answer(_OUTCOMES.get(status), words, action, body.get("first"))


def _recording(command: RecordAction) -> Json:
    names = ("action", "method", "path", "object", "user", "ip", "is_user_action", "body", "can_be_canceled",
             "can_be_retried")  # fmt: skip
    dates = {"start_date": command.start, "end_date": command.end}
    return {
        **{name: getattr(command, name) for name in names},
        "state": str(command.state),
        "parents": list(command.parents),
        **{name: _iso8601(date // 1_000_000) for name, date in dates.items() if date is not None},
    }


Request = tuple[str, str, object]

# Any: each function takes the one command type that it stands under, which no type of a dict can say.
_REQUESTS: dict[type[Any], Callable[[Any], Request]] = {
    RecordAction: lambda command: ("POST", "/action/", _recording(command)),
    RequestCancel: lambda command: ("POST", f"/action/{command.id}/cancel/", None),
    Retry: lambda command: ("POST", f"/action/{command.id}/retry/", None),
    Finish: lambda command: ("POST", f"/action/{command.id}/finish/", {"state": str(command.state)}),
    AppendOutput: lambda command: (
        "POST",
        f"/action/{command.id}/logs/",
        {"lines": [{"log": line.text} if line.timestamp is None else {"log": line.text, "timestamp": line.timestamp}
                   for line in command.lines]},
    ),
    StateParent: lambda command: ("POST", "/relationship/", {"parent": command.parent, "child": command.child}),
    EndParent: lambda command: (
        "DELETE", f"/relationship/?parent={quote(command.parent)}&child={quote(command.child)}", None,
    ),
}  # fmt: skip


def _parameters(question: Question) -> dict[str, str | list[str]]:
    flags = {True: "true", False: "false", None: ""}
    dates = {
        "start_date__gte": question.start_from,
        "start_date__lte": question.start_to,
        "end_date__gte": question.end_from,
        "end_date__lte": question.end_to,
    }
    asked: dict[str, str | list[str]] = {
        "state": [str(state) for state in question.states],
        "user": list(question.users),
        "action": list(question.actions),
        "method": list(question.methods),
        "ip": list(question.ips),
        "uuid": [str(uuid) for uuid in question.ids],
        "uuid__startswith": question.prefix or "",
        "is_user_action": flags[question.is_user_action],
        "object": question.object or "",
        "include_related": flags[question.include_related or None],
        **{name: "" if date is None else _iso8601(date) for name, date in dates.items()},
        "order_by": "-start_date" if question.newest_first else "start_date",
        "limit": str(question.limit),
        "offset": str(question.offset),
    }
    return {name: value for name, value in asked.items() if value}
