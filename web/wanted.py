"""Which events somebody asks for: those in a namespace that is theirs to see, narrowed by filters."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from deedbook.web.course import ActionStep, RelationshipStep, Step
from deedbook.web.frames import Frame
from deedbook.web.problems import bad

#: What every form of the events can be asked for.
FILTERS = ("type", "object", "parent", "parents", "after")

#: The types that events have here.
TYPES = (ActionStep.type, RelationshipStep.type)

#: Those that the events of Docker Cloud had besides: its clients ask for them, and where they are refused they come
#: back at once, for ever. So a stream of them opens, and has nothing to say.
_OF_DOCKER_CLOUD = frozenset({"stack", "service", "container", "nodecluster", "node", "error"})

#: What a WebSocket may have in its query besides, since the Go package sends no header.
CREDENTIALS = ("user", "token")


class Wanted(NamedTuple):
    """What a follower asked for; an empty set is no filter."""

    namespace: str | None
    types: frozenset[str] = frozenset()
    objects: frozenset[str] = frozenset()
    parents: frozenset[str] = frozenset()

    def holds(self, event: Frame | Step) -> bool:
        """Tell whether an event is the follower's to see, and wanted."""
        return (
            self.namespace in (None, event.namespace)
            and (not self.types or event.type in self.types)
            and (not self.objects or event.object in self.objects or event.resource_uri in self.objects)
            and (not self.parents or not self.parents.isdisjoint(event.parents))
        )


def wanted(parameters: Mapping[str, list[str]], namespace: str | None, known: Sequence[str] = FILTERS) -> Wanted:
    """Return what a query asks for, whose parameters are `known`; each filter is a comma list. Raises the 400."""
    for name in parameters:
        if name not in known:
            *others, last = (one for one in known if one not in CREDENTIALS)
            raise bad(f"There is no filter {name}; known are {', '.join(others)} and {last}.")

    def among(*names: str) -> frozenset[str]:
        values = (value for name in names for value in parameters.get(name, ()))
        return frozenset(part for value in values for part in value.split(",") if part)

    types = among("type")
    for unknown in sorted(types - _OF_DOCKER_CLOUD - set(TYPES)):
        raise bad(f"type is {' or '.join(TYPES)}, not {unknown!r}.")
    return Wanted(namespace, types, among("object"), among("parent", "parents"))
