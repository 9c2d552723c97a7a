"""Which events somebody asks for: those in a namespace that is theirs to see, narrowed by filters."""

from collections.abc import Mapping
from typing import NamedTuple

from deedbook.web.course import Step
from deedbook.web.frames import Frame
from deedbook.web.problems import bad

#: What every form of the events can be asked for.
FILTERS = ("type", "object", "parent", "parents", "after")


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


def wanted(parameters: Mapping[str, list[str]], namespace: str | None, *more: str) -> Wanted:
    """Return what a query asks for; each filter is a comma list. One form knows `more` parameters than the filters."""
    for name in parameters:
        if name not in FILTERS and name not in more:
            raise bad(f"There is no filter {name}; known are {', '.join(FILTERS[:-1])} and {FILTERS[-1]}.")

    def among(*names: str) -> frozenset[str]:
        values = (value for name in names for value in parameters.get(name, ()))
        return frozenset(part for value in values for part in value.split(",") if part)

    return Wanted(namespace, among("type"), among("object"), among("parent", "parents"))
