"""What the list of actions asks for while it is read: what is new, rows that have changed, values to choose from."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from deedbook.projections.reader import Snapshot
from deedbook.projections.resource import decode
from deedbook.web.call import Reply
from deedbook.web.console.actions_page import ROWS, asked, only_filters, question
from deedbook.web.console.completing import FIXED, unfinished, with_names, with_values
from deedbook.web.console.templating import Templates
from deedbook.web.console.typed import TYPED
from deedbook.web.console.visit import Visit
from deedbook.web.list_query import REPEATABLE
from deedbook.web.numbers import whole_number
from deedbook.web.problems import bad
from deedbook.web.views import CaughtUpViews

#: Values that are offered at once: for a field, and for what is typed into the search.
_OFFERED, _COMPLETED = 20, 8

_FIELDS = REPEATABLE | {"object": "object"}


class ActionsParts(NamedTuple):
    """Answers parts of the page."""

    views: CaughtUpViews
    templates: Templates

    async def news(self, visit: Visit) -> Reply:
        """Tell how many actions the filters find that they did not at position `after`, and each `row` as it is now."""
        query = asked(only_filters(question(visit)), visit.namespace, None)
        after = whole_number(visit.asked, "after", 0)
        rows = [_uuid(text) for text in visit.asked.get("row", [])[:ROWS]]
        namespace = visit.namespace

        def answer(snapshot: Snapshot) -> tuple[int, list[bytes | None]]:
            return snapshot.arrived(query, after), [snapshot.action(row, namespace) for row in rows]

        (new, documents), position, _ = await self.views.ask(answer, is_quick=False)
        actions = [decode(document) for document in documents if document is not None]
        reply = self.templates.reply("news.html", visit=visit, new=new, actions=actions)
        reply.position = position
        return reply

    async def values(self, visit: Visit) -> Reply:
        """Offer the commonest values of the filter `field` that hold what was typed into it so far."""
        name = visit.asked.get("field", [""])[-1]
        field = _FIELDS.get(name)
        if field is None:
            raise bad(f"There are no values to choose from for {name!r}; there are for {', '.join(_FIELDS)}.")
        part, namespace = visit.asked.get(name, [""])[-1], visit.namespace
        found, _, _ = await self.views.ask(
            lambda snapshot: snapshot.suggestions(namespace, field, part, _OFFERED), is_quick=False
        )
        return self.templates.reply("values.html", visit=visit, values=found)

    async def completions(self, visit: Visit) -> Reply:
        """Offer what the filter at the end of `text` could become: the commonest of its values, or its whole name."""
        text, namespace = visit.query.get("text", [""])[-1], visit.namespace
        one = unfinished(text)
        if one is None:
            return self.templates.reply("completions.html", visit=visit, completions=with_names(text))
        field, part = _FIELDS.get(TYPED[one.name][0]), one.part.lower()
        values: Sequence[str] = [value for value in FIXED.get(one.name, ()) if value.lower().startswith(part)]
        if field is not None and one.name not in FIXED:
            values, _, _ = await self.views.ask(
                lambda snapshot: snapshot.suggestions(namespace, field, one.part, _OFFERED), is_quick=False
            )
            values = sorted(values, key=lambda value: not value.lower().startswith(part))[:_COMPLETED]
        return self.templates.reply("completions.html", visit=visit, completions=with_values(one, values))


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise bad(f"row {text!r} is no id of an action.") from None
