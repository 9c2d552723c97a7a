"""API: the OpenAPI description, to be read without a network, with examples that work and GETs to be tried."""

import contextlib
import json
from functools import lru_cache

from markupsafe import Markup

from deedbook.domain.errors import Unavailable
from deedbook.projections.action_query import ActionQuery
from deedbook.web.call import Reply
from deedbook.web.console.api_examples import Place, curl, path_of
from deedbook.web.console.api_reference import Reference
from deedbook.web.console.templating import Templates
from deedbook.web.console.visit import Visit
from deedbook.web.views import CaughtUpViews

#: For so many readers, of whom there are few, the description is kept as HTML: a third of a megabyte for each.
KEPT = 16

#: Stands in what is kept for the newest action, which is another one each time.
_SOME_ACTION = "00000000-0000-4000-8000-000000000000"


class ApiPage:
    """Shows the whole description on one page; making it of its templates took 17 ms, so that is done once."""

    def __init__(self, templates: Templates, views: CaughtUpViews, reference: Reference) -> None:
        self._templates = templates
        self._views = views
        self._reference = reference
        self._kept = lru_cache(maxsize=KEPT)(self._described)

    async def page(self, visit: Visit) -> Reply:
        """Show every operation, with the reader's user and origin in its example."""
        action = await self._some_action(visit)
        stand_in = None if action is None else _SOME_ACTION
        described = self._kept(Place(visit.origin, visit.key.user, visit.chosen, visit.home, stand_in))
        return self._templates.reply(
            "api.html",
            visit=visit,
            here="/api",
            title="API",
            version=self._reference.version,
            description=Markup(described.replace(_SOME_ACTION, action or "")),  # noqa: S704  # made by a template
        )

    def _described(self, place: Place) -> str:
        schemas = self._reference.schemas
        return self._templates.html(
            "api_reference.html",
            reference=self._reference,
            place=place,
            curl=lambda operation: curl(operation, place, schemas),
            path_of=lambda operation: path_of(operation, place),
        )

    async def _some_action(self, visit: Visit) -> str | None:
        """Return the newest action that the reader may see, for the examples; None where none can be told."""
        query = ActionQuery(namespace=visit.namespace, newest_first=True, limit=1)
        with contextlib.suppress(Unavailable):
            page, _, _ = await self._views.ask(lambda snapshot: snapshot.actions(query))
            for document in page.documents:
                return str(json.loads(document)["uuid"])
        return None
