"""The description of the API as a page shows it: operations in groups, each with all that is referred to put in."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from deedbook.web.paths import ROOT

# Any: a JSON document, whose parts are of every type that JSON has.
Json = Mapping[str, Any]

#: What the first part of a path is about; what is behind an action, by the last one.
_GROUPS: Mapping[str, str] = {
    "action": "Actions", "logs": "Output", "event": "Events", "events": "Events", "relationship": "Relationships",
    "user": "Users", "object": "Objects", "search": "Saved searches", "key": "Keys", "admin": "Administration",
}  # fmt: skip
_OTHER = "The server"

#: Of these a GET has no end, or wants another protocol: there is nothing to try in a page.
_ENDLESS = frozenset({"followEvents"})

#: What the methods of a path are in the order of.
_METHODS = ("get", "post", "put", "patch", "delete")


class Answer(NamedTuple):
    """What an operation may be answered with: for each media type its schema."""

    status: int
    says: str
    content: Json
    headers: Sequence[str]


class Operation(NamedTuple):
    """A method of a path."""

    id: str
    method: str
    path: str
    says: str
    roles: str
    parameters: Sequence[Json]
    body: Json
    answers: Sequence[Answer]
    needs_key: bool

    @property
    def can_be_tried(self) -> bool:
        """Tell whether it changes nothing and ends."""
        return self.method == "get" and self.id not in _ENDLESS

    @property
    def sockets_only(self) -> Sequence[str]:
        """Return the parameters that carry a key on WebSockets, which has no place in a page."""
        return ("user", "token") if any(one["name"] == "token" for one in self.parameters) else ()

    @property
    def in_path(self) -> Sequence[str]:
        """Return the names that stand in the path."""
        return [one["name"] for one in self.parameters if one["in"] == "path"]


class Group(NamedTuple):
    """Operations on the same kind of thing."""

    name: str
    operations: list[Operation]


class Reference(NamedTuple):
    """All that the page shows, from an OpenAPI document."""

    about: Sequence[str]
    version: str
    groups: Sequence[Group]
    schemas: Json


def reference(document: Json) -> Reference:
    """Return what a page shows of an OpenAPI document."""
    groups: dict[str, Group] = {}
    for operation in _operations(document):
        name = _group(operation.path)
        groups.setdefault(name, Group(name, [])).operations.append(operation)
    names = list(dict.fromkeys([*_GROUPS.values(), _OTHER]))
    return Reference(
        about=[" ".join(part.split()) for part in document["info"]["description"].split("\n\n")],
        version=document["info"]["version"],
        groups=sorted(groups.values(), key=lambda group: names.index(group.name)),
        schemas=document["components"]["schemas"],
    )


def _operations(document: Json) -> Iterator[Operation]:
    for path, methods in document["paths"].items():
        shared = [_resolved(document, one) for one in methods.get("parameters", ())]
        for method in _METHODS:
            if method in methods:
                yield _operation(document, path, method, methods[method], shared)


def _operation(document: Json, path: str, method: str, told: Json, shared: Sequence[Json]) -> Operation:
    content = told.get("requestBody", {}).get("content", {})
    return Operation(
        id=told["operationId"],
        method=method,
        path=path,
        says=told["summary"],
        roles=told.get("description", ""),
        parameters=[*shared, *(_resolved(document, one) for one in told.get("parameters", ()))],
        body={media: one["schema"] for media, one in content.items()},
        answers=[_answer(int(status), _resolved(document, one)) for status, one in told["responses"].items()],
        needs_key=told.get("security") != [],
    )


def _answer(status: int, told: Json) -> Answer:
    content = {media: one["schema"] for media, one in told.get("content", {}).items()}
    return Answer(status, told["description"], content, list(told.get("headers", ())))


def _resolved(document: Json, part: Json) -> Json:
    """Return a part of the document, or what it refers to."""
    if "$ref" not in part:
        return part
    found: Json = document
    for name in part["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    return found


def _group(path: str) -> str:
    if not path.startswith(f"{ROOT}/"):
        return _OTHER
    first, *rest = path.removeprefix(f"{ROOT}/").strip("/").split("/")
    return _GROUPS.get(rest[-1] if rest and rest[-1] in _GROUPS else first, _OTHER)
