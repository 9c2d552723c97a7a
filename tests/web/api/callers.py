"""Who asks: in each test the holders of the four roles, in a namespace of the test's own."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import httpx

# Any: a JSON document, whose parts are of every type that JSON has.
Json = dict[str, Any]

#: The least that a recorder gives.
CALL: Json = {"action": "Service Scale", "method": "POST", "path": "/api/app/v1/service/", "state": "Success"}

USERS = {"auditor": "anna", "operator": "otto", "recorder": "rita", "admin": "adam"}

Query = str | Mapping[str, str | list[str]]


class Caller:
    """Asks a server as the holder of one API key; `root` goes before each path."""

    def __init__(self, http: httpx.Client, user: str, key: str, root: str = "") -> None:
        self.http = http
        self.user = user
        self.key = key
        self.root = root

    def ask(self, method: str, path: str, **how: Any) -> httpx.Response:  # noqa: ANN401  # what httpx takes
        """Return the answer to a request; `how` is what httpx takes."""
        return self.http.request(method, f"{self.root}{path}", auth=(self.user, self.key), **how)

    def get(self, path: str, **how: Any) -> httpx.Response:  # noqa: ANN401  # what httpx takes
        """GET."""
        return self.ask("GET", path, **how)

    def post(self, path: str, body: object = None, **how: Any) -> httpx.Response:  # noqa: ANN401  # what httpx takes
        """POST, with a JSON body where one is given."""
        return self.ask("POST", path, **({} if body is None else {"json": body}), **how)

    def delete(self, path: str, **how: Any) -> httpx.Response:  # noqa: ANN401  # what httpx takes
        """DELETE."""
        return self.ask("DELETE", path, **how)

    def record(self, **fields: object) -> Json:
        """Record an action, a plain one but for `fields`, and return it."""
        answer = self.post("/action/", {**CALL, **fields})
        assert answer.status_code in (201, 202), answer.text
        return document(answer)

    def batch(self, *lines: Json) -> list[Json]:
        """Record many plain actions at once, in order, each with its fields, and return them."""
        answer = self.post_lines("/action/", *({**CALL, **line} for line in lines))
        told = [json.loads(line) for line in answer.text.splitlines()]
        assert {line["status"] for line in told} <= {201, 202}, answer.text
        return [line["action"] for line in told]

    def post_lines(self, path: str, *lines: object) -> httpx.Response:
        """POST NDJSON: each value is a line of its own, bytes as they are."""
        text = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
        return self.post(path, content=text, headers={"content-type": "application/x-ndjson"})

    def act(self, action: Json, operation: str, body: object = None) -> Json:
        """Do something to an action, and return what was answered."""
        answer = self.post(f"/action/{action['uuid']}/{operation}/", body)
        assert answer.status_code in (200, 202), answer.text
        return document(answer)

    def relate(self, parent: str, child: str) -> None:
        """Put one object below another."""
        answer = self.post("/relationship/", {"parent": parent, "child": child})
        assert answer.status_code in (200, 201), answer.text

    def unrelate(self, parent: str, child: str) -> None:
        """End a relationship."""
        answer = self.delete("/relationship/", params={"parent": parent, "child": child})
        assert answer.status_code == 200, answer.text

    def fetch(self, action: Json) -> Json:
        """Return an action as it is now."""
        answer = self.get(f"/action/{action['uuid']}/")
        assert answer.status_code == 200, answer.text
        return document(answer)

    def page(self, query: Query = "") -> Json:
        """Return a page of the list; `query` is as it goes into the URI, or parameters to encode."""
        answer = self.get(f"/action/?{query}") if isinstance(query, str) else self.get("/action/", params=query)
        assert answer.status_code == 200, answer.text
        return document(answer)

    def listed(self, query: Query = "") -> list[Json]:
        """Return the actions of a page of the list."""
        return list(self.page(query)["objects"])


class Tenant:
    """A new namespace; keys are issued when somebody first asks with them."""

    def __init__(self, http: httpx.Client, issuer: str) -> None:
        self.http = http
        self.namespace = f"ns-{uuid4()}"
        self._issuer = Caller(http, "me", issuer)
        self._callers: dict[str, Caller] = {}

    def caller(self, role: str) -> Caller:
        """Return who has a role here."""
        if role not in self._callers:
            self._callers[role] = self.issue(USERS[role], role)
        return self._callers[role]

    def issue(self, user: str, role: str) -> Caller:
        """Return the holder of a new key."""
        return Caller(self.http, user, self.issued(user, role)["key"])

    def issued(self, user: str, role: str) -> Json:
        """Issue a key, and return what is told of it."""
        answer = self._issuer.post("/key/", {"user": user, "namespace": self.namespace, "role": role})
        assert answer.status_code == 201, answer.text
        return document(answer)

    @property
    def auditor(self) -> Caller:
        """Who may only read."""
        return self.caller("auditor")

    @property
    def operator(self) -> Caller:
        """Who cancels and retries."""
        return self.caller("operator")

    @property
    def recorder(self) -> Caller:
        """Who records and works."""
        return self.caller("recorder")

    @property
    def admin(self) -> Caller:
        """Who may everything, in every namespace."""
        return self.caller("admin")


def document(answer: httpx.Response) -> Json:
    """Return the JSON object in an answer."""
    found = answer.json()
    assert isinstance(found, dict)
    return found
