"""API: the OpenAPI description, to be read without a network, with examples that work and GETs to be tried."""

import contextlib
import json
from typing import NamedTuple

from deedbook.domain.errors import Unavailable
from deedbook.projections.action_query import ActionQuery
from deedbook.web.call import Reply
from deedbook.web.console.api_examples import Place, curl, path_of
from deedbook.web.console.api_reference import Reference
from deedbook.web.console.templating import Templates
from deedbook.web.console.visit import Visit
from deedbook.web.views import CaughtUpViews


class ApiPage(NamedTuple):
    """Shows the whole description on one page."""

    templates: Templates
    views: CaughtUpViews
    reference: Reference

    async def page(self, visit: Visit) -> Reply:
        """Show every operation, with the reader's user and origin in its example."""
        schemas = self.reference.schemas
        place = Place(visit.origin, visit.key.user, visit.chosen, visit.home, await self._some_action(visit))
        return self.templates.reply(
            "api.html",
            visit=visit,
            here="/api",
            title="API",
            reference=self.reference,
            place=place,
            curl=lambda operation: curl(operation, place, schemas),
            path_of=lambda operation: path_of(operation, place),
        )

    async def _some_action(self, visit: Visit) -> str | None:
        """Return the newest action that the reader may see, for the examples; None where none can be told."""
        query = ActionQuery(namespace=visit.namespace, newest_first=True, limit=1)
        with contextlib.suppress(Unavailable):
            page, _, _ = await self.views.ask(lambda snapshot: snapshot.actions(query))
            for document in page.documents:
                return str(json.loads(document)["uuid"])
        return None
