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

#: At the most so many entries are told in each direction; more are a 400 that says so.
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


def _flat(relationships: list[Relationship], _uri: str, _way: str) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode([_entry(one) for one in relationships]))


def nested(relationships: list[Relationship], uri: str, way: str) -> msgspec.Raw:
    """Nest each relationship under the object that it hangs on; an object that hangs on two stands under both.

    Raises the 400 where that makes more than `MOST` entries: with every layer of two there are twice as many. Encoded
    here, entry by entry: objects may hang on each other deeper than an encoder goes.
    """
    hanging: dict[tuple[str, str], list[Relationship]] = {}
    for one in relationships:
        hanging.setdefault((one.namespace, one.child if way == "above" else one.parent), []).append(one)
    namespaces = dict.fromkeys(one.namespace for one in relationships)
    branches = [iter([one for namespace in namespaces for one in hanging.get((namespace, uri), ())])]
    path, parts, looked_at = [uri], [b"["], 0
    on_path = {uri}
    while branches:
        entry = next(branches[-1], None)
        if entry is None:
            branches.pop()
            on_path.discard(path.pop())
            parts.append(b"]}")
            continue
        looked_at += 1
        if looked_at > MOST:
            raise bad(f"The tree of what is {way} {uri} has more than {MOST:,} entries; ask with form=flat.")
        if entry.uri not in on_path:
            separator = b"," if parts[-1] == b"]}" else b""
            parts.append(b'%b%b,"%b":[' % (separator, msgspec.json.encode(_entry(entry))[:-1], way.encode()))
            branches.append(iter(hanging.get((entry.namespace, entry.uri), ())))
            path.append(entry.uri)
            on_path.add(entry.uri)
    return msgspec.Raw(b"".join(parts)[:-1])


def _entry(one: Relationship) -> Entry:
    return {
        "namespace": one.namespace,
        "uri": one.uri,
        "parent": one.parent,
        "child": one.child,
        "since": rfc1123(one.since),
        "until": None if one.until is None else rfc1123(one.until),
    }


Form = Callable[[list[Relationship], str, str], msgspec.Raw]

_FORMS: dict[str, Form] = {"flat": _flat, "tree": nested}


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
