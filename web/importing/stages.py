"""The audit events of one Kubernetes request, which come one by one, joined into its action."""

from collections import OrderedDict
from collections.abc import Iterator
from typing import NamedTuple

from msgspec import Raw

from deedbook.domain.commands import ImportAction
from deedbook.web.importing.items import Item, Owner
from deedbook.web.importing.kubernetes import EVENT, LAST, Stage, action_of, cluster_uri
from deedbook.web.importing.relations import Relations

#: So many requests are awaited at once. Beyond it the oldest is imported as still open.
OPEN = 100_000

_ORDER = {stage: place for place, stage in enumerate(Stage)}


class _Seen(NamedTuple):
    """A request as far as its latest stage tells."""

    order: int
    line: int
    action: ImportAction


class Requests:
    """Reads the events of one file, those of the cluster of this name.

    A request is imported at its last stage, or, when the file does not hold that, still open at the file's end.
    Events may come again, and out of order: the latest stage counts, and what comes after the last one is
    passed over while it is among the latest `most` that ended (later the store finds its action known).
    """

    def __init__(self, owner: Owner, cluster: str, most: int = OPEN) -> None:
        self._owner = owner
        self._cluster = cluster_uri(cluster)
        self._most = most
        self._relations = Relations(owner)
        self._open: OrderedDict[str, _Seen] = OrderedDict()
        self._ended: OrderedDict[str, None] = OrderedDict()

    def event(self, text: bytes | Raw, line: int) -> list[Item]:
        """What to do for an event: import a request that ended, or the oldest open one of too many."""
        event = EVENT.decode(text)
        if event.audit_id in self._ended:
            return []
        seen = _Seen(_ORDER[event.stage], line, action_of(event, self._owner, self._cluster))
        if event.stage in LAST:
            self._end(event.audit_id)
            return self._imported(seen)
        before = self._open.get(event.audit_id)
        if before is None or before.order <= seen.order:
            self._open[event.audit_id] = seen
        return self._imported(self._open.popitem(last=False)[1]) if len(self._open) > self._most else []

    def rest(self) -> Iterator[Item]:
        """What to do at the end of the file: import the requests that are still open."""
        for seen in self._open.values():
            yield from self._imported(seen)

    def _end(self, audit_id: str) -> None:
        self._open.pop(audit_id, None)
        self._ended[audit_id] = None
        if len(self._ended) > self._most:
            self._ended.popitem(last=False)

    def _imported(self, seen: _Seen) -> list[Item]:
        relations = self._relations.among(seen.action.parents, seen.line)
        return [*relations, Item(seen.line, seen.action)]
