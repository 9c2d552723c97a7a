"""An example of each call of the API, as curl: with the reader's user, and an action that they may see."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from deedbook.web.console.api_reference import Json, Operation
from deedbook.web.paths import ROOT


class Example(NamedTuple):
    """What an example asks: query, JSON body, further options of curl."""

    query: str = ""
    body: object = None
    options: Sequence[str] = ()


_RELATED = {"parent": "/stack/shop/", "child": "/service/web/"}
_QUERY = "parent=/stack/shop/&child=/service/web/"

#: By the operation's id; of the others an example is made from what they require.
EXAMPLES: Mapping[str, Example] = {
    "listActions": Example("state=Failed&limit=5"),
    "recordAction": Example(
        body={"action": "Service Scale", "method": "POST", "path": "/api/app/v1/service/", "state": "In progress",
              "object": "/service/web/"}),
    "finishAction": Example(body={"state": "Success"}),
    "followOutput": Example("tail=20"),
    "appendOutput": Example(body={"lines": ["Pulling the image", "Done"]}),
    "followEvents": Example(options=("-N", "-H", "Accept: text/event-stream")),
    "listEvents": Example("after=0&limit=5"),
    "getRelationships": Example("object=/service/web/&form=tree"),
    "getObject": Example("object=/service/web/"),
    "stateRelationship": Example(body=_RELATED),
    "endRelationship": Example(_QUERY),
    "saveSearch": Example(body={"name": "failed", "query": "state=Failed"}),
    "deleteSearch": Example("name=failed"),
    "issueKey": Example(body={"user": "anna", "namespace": "{namespace}", "role": "auditor"}),
}  # fmt: skip


class Place(NamedTuple):
    """Where and as whom an example asks. action: one's id, None where there is none to be seen yet."""

    origin: str
    user: str
    namespace: str | None
    home: str
    action: str | None


def curl(operation: Operation, place: Place, schemas: Json) -> str:
    """Return the command that does it; what can't be known beforehand stands in it as a variable, such as `$KEY`."""
    example = EXAMPLES.get(operation.id) or Example(_required(operation), _made(operation, schemas))
    words = ["curl -sS"]
    if operation.method != "get":
        words.append(f"-X {operation.method.upper()}")
    if operation.needs_key:
        words.append(f'-u {shlex.quote(place.user)}:"$KEY"')
    words += [shlex.quote(option) for option in example.options]
    if example.body is not None:
        body = msgspec.json.encode(example.body).decode().replace("{namespace}", place.home)
        words += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(body)}"]
    return " ".join([*words, _url(operation, place, example.query)])


def path_of(operation: Operation, place: Place) -> str:
    """Return the path, with the namespace that is looked at."""
    if place.namespace is None or not operation.path.startswith(f"{ROOT}/"):
        return operation.path
    return f"{ROOT}/{place.namespace}{operation.path.removeprefix(ROOT)}"


def _url(operation: Operation, place: Place, query: str) -> str:
    path = path_of(operation, place)
    if place.action is not None:
        path = path.replace("{uuid}", place.action)
    url = f"{place.origin}{path}" + (f"?{query}" if query else "")
    for name in operation.in_path:
        if f"{{{name}}}" in url:
            before, after = url.split(f"{{{name}}}")
            variable = "ACTION" if name == "uuid" else f"KEY_{name.upper()}"
            return f'{shlex.quote(before)}"${variable}"{shlex.quote(after)}'
    return shlex.quote(url)


def _required(operation: Operation) -> str:
    required = [one["name"] for one in operation.parameters if one["in"] == "query" and one.get("required")]
    return "&".join(f"{name}={name}" for name in required)


def _made(operation: Operation, schemas: Json) -> object:
    """Return a body with the fields that are required; None where there is none to send."""
    schema = operation.body.get("application/json")
    return None if schema is None else _value(schema, schemas)


# Any: an example is of whatever type its schema says.
def _value(schema: Json, schemas: Json) -> Any:  # noqa: ANN401
    if "$ref" in schema:
        return _value(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    for kind in schema.get("anyOf", ())[:1]:
        return _value(kind, schemas)
    simple: dict[str | None, object] = {
        "array": [],
        "integer": 1,
        "number": 1,
        "boolean": True,
        "string": "example",
        None: None,
    }
    if schema.get("type") != "object":
        return schema.get("enum", [simple[schema.get("type")]])[0]
    return {name: _value(schema["properties"][name], schemas) for name in schema.get("required", ())}
