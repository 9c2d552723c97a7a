"""One object: its actions in numbers, its lane, and the tree of what is above and below it."""

from typing import NamedTuple

import msgspec

from deedbook.projections.action_query import ActionQuery
from deedbook.projections.dates import rfc1123
from deedbook.projections.objects import Lane, Node, Tree
from deedbook.projections.page import Page
from deedbook.projections.reader import Snapshot
from deedbook.web.actions import lag_header
from deedbook.web.call import Call, Reply
from deedbook.web.problems import bad, not_found
from deedbook.web.views import CaughtUpViews

#: At the most so many actions of a lane are told.
LANE = 100


class About(NamedTuple):
    """What is told of an object: actions on it, and on what is related to it too; its lane; its trees."""

    actions: int
    related: int
    lane: Lane
    above: Tree
    below: Tree


class Objects(NamedTuple):
    """Answers what an object is."""

    views: CaughtUpViews

    async def tell(self, call: Call) -> Reply:
        """Tell an object; 404 where neither an action nor a relationship ever named it."""
        uri, namespace = _uri(call), call.namespace
        found, position, lag = await self.views.ask(
            lambda snapshot: _about(snapshot, namespace, uri), at_least=call.at_least, is_quick=False
        )
        if found is None:
            raise not_found(f"object {uri}")
        return Reply(200, _told(uri, found), position, lag_header(lag))


def _about(snapshot: Snapshot, namespace: str | None, uri: str) -> About | None:
    actions = snapshot.actions_on(namespace, uri)
    if actions is None:
        return None
    related = ActionQuery(namespace=namespace, object=uri, include_related=True, limit=1)
    above, below = (snapshot.tree(namespace, uri, above=way) for way in (True, False))
    lane = snapshot.lane(namespace, uri, LANE)
    return About(actions, snapshot.actions(related).total, lane, above, below)


def _told(uri: str, about: About) -> bytes:
    lane = (
        f'{{"running_count":{about.lane.running.total},"running":[{_listed(about.lane.running)}],'
        f'"waiting_count":{about.lane.waiting.total},"waiting":[{_listed(about.lane.waiting)}]}}'
    )
    return msgspec.json.encode({
        "object": uri,
        "actions": about.actions,
        "related_actions": about.related,
        "lane": msgspec.Raw(lane.encode()),
        "above": [_node(node) for node in about.above.nodes],
        "above_is_whole": about.above.is_whole,
        "below": [_node(node) for node in about.below.nodes],
        "below_is_whole": about.below.is_whole,
    })  # fmt: skip


def _listed(page: Page) -> str:
    return b",".join(page.documents).decode()


def _node(node: Node) -> dict[str, object]:
    return {
        "namespace": node.namespace,
        "uri": node.uri,
        "since": rfc1123(node.since),
        "until": None if node.until is None else rfc1123(node.until),
        "actions": node.actions,
        "is_told_elsewhere": node.is_told_elsewhere,
        "nodes": [_node(one) for one in node.nodes],
    }


def _uri(call: Call) -> str:
    for name in call.query:
        if name != "object":
            raise bad(f"There is no parameter {name}; known is object.")
    values = call.query.get("object", [])
    if len(values) != 1 or not values[0]:
        raise bad("Give one object, as a parameter of the query.")
    return values[0]
