"""The relationships between objects: stated, ended, and told."""

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from deedbook.domain.commands import EndParent, StateParent
from deedbook.domain.results import Related
from deedbook.projections.dates import rfc1123
from deedbook.projections.reader import Snapshot
from deedbook.projections.relations import Relationship
from deedbook.web.actions import lag_header
from deedbook.web.call import ACTION_BODY, Call, Reply
from deedbook.web.courier import Courier
from deedbook.web.problems import bad
from deedbook.web.views import CaughtUpViews
from deedbook.web.wire import RelationshipRequest, decoded

#: At the most so many relationships are told in each direction; more are a 400 that says so.
MOST = 10_000

Entry = dict[str, object]


class Relationships(NamedTuple):
    """Answers everything about relationships."""

    courier: Courier
    views: CaughtUpViews

    async def state(self, call: Call) -> Reply:
        """State that one object is directly below another: 201, or 200 when it already was."""
        call.media()
        request = decoded(await call.body(ACTION_BODY), RelationshipRequest)
        command = StateParent(namespace=call.home, parent=request.parent, child=request.child, by=call.caller)
        once = call.once(b"relate", request)
        answer = await self.courier.perform(command, once)
        held = isinstance(answer.result, Related) and answer.result.held
        told = {"parent": request.parent, "child": request.child}
        return Reply(200 if held else 201, msgspec.json.encode(told), answer.position)

    async def end(self, call: Call) -> Reply:
        """State that one object is no longer directly below another."""
        parent, child = (_one(call, name) for name in ("parent", "child"))
        _only(call, "parent", "child")
        command = EndParent(namespace=call.home, parent=parent, child=child, by=call.caller)
        answer = await self.courier.perform(command)
        return Reply(200, msgspec.json.encode({"parent": parent, "child": child}), answer.position)

    async def tell(self, call: Call) -> Reply:
        """Tell what is and was above and below an object, nearest first; `form=tree` nests what hangs on what."""
        _only(call, "object", "form")
        uri, form, namespace = _one(call, "object"), _form(call), call.namespace

        def question(snapshot: Snapshot) -> tuple[list[Relationship], list[Relationship]]:
            return (
                snapshot.relatives(namespace, uri, above=True, limit=MOST + 1),
                snapshot.relatives(namespace, uri, above=False, limit=MOST + 1),
            )

        (above, below), position, lag = await self.views.ask(question, at_least=call.at_least, is_quick=False)
        if max(len(above), len(below)) > MOST:
            raise bad(f"{uri} has more than {MOST:,} relationships; ask for an object nearer to what you look for.")
        told = {"object": uri, "above": form(above, uri, "above"), "below": form(below, uri, "below")}
        return Reply(200, msgspec.json.encode(told), position, lag_header(lag))


def _flat(relationships: list[Relationship], _uri: str, _way: str) -> list[Entry]:
    return [_entry(one) for one in relationships]


def _tree(relationships: list[Relationship], uri: str, way: str) -> list[Entry]:
    """Nest each relationship under the object that it hangs on; an object that hangs on two stands under both."""
    hanging: dict[tuple[str, str], list[Relationship]] = {}
    for one in relationships:
        hanging.setdefault((one.namespace, one.child if way == "above" else one.parent), []).append(one)

    def branch(namespace: str, place: str, path: frozenset[str]) -> list[Entry]:
        return [
            {**_entry(one), way: branch(namespace, one.uri, path | {one.uri})}
            for one in hanging.get((namespace, place), ())
            if one.uri not in path
        ]

    namespaces = dict.fromkeys(one.namespace for one in relationships)
    return [entry for namespace in namespaces for entry in branch(namespace, uri, frozenset({uri}))]


def _entry(one: Relationship) -> Entry:
    return {
        "namespace": one.namespace,
        "uri": one.uri,
        "parent": one.parent,
        "child": one.child,
        "since": rfc1123(one.since),
        "until": None if one.until is None else rfc1123(one.until),
    }


Form = Callable[[list[Relationship], str, str], list[Entry]]

_FORMS: dict[str, Form] = {"flat": _flat, "tree": _tree}


def _form(call: Call) -> Form:
    name = call.query.get("form", ["flat"])[-1]
    if name not in _FORMS:
        raise bad(f"form is flat or tree, not {name!r}.")
    return _FORMS[name]


def _one(call: Call, name: str) -> str:
    values = call.query.get(name, [])
    if len(values) != 1 or not values[0]:
        raise bad(f"Give one {name}, as a parameter of the query.")
    return values[0]


def _only(call: Call, *names: str) -> None:
    for name in call.query:
        if name not in names:
            raise bad(f"There is no parameter {name}; known are {', '.join(names)}.")
